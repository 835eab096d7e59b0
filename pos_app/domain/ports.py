"""What the rules and use cases ask of the outside world; everything else is called directly."""

from typing import Protocol


class Clock(Protocol):
    """Where time comes from. Nothing is ever put in order by it."""

    def wall_ms(self) -> int: ...
    def mono_ms(self) -> int: ...
    def boot_id(self) -> bytes: ...


class Ids(Protocol):
    """Where random bytes come from; a seeded one replays a day byte for byte."""

    def random(self, size: int) -> bytes: ...


class Printer(Protocol):
    """Paper. `print_text` raises OSError when nothing came out; the job stays and is tried again."""

    def print_text(self, job: str, text: str) -> None: ...


class Drawer(Protocol):
    """The cash drawer: one pulse, at most once."""

    def pulse(self, why: str) -> None: ...
