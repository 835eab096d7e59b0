"""Keyboard-wedge scanners: characters and times in, codes and typed characters out. Pure: no clock, no screen.

A gap under 30 ms between characters is a scanner, over 100 ms a person, between them whatever the run already is. A code
ends on CR, LF, CR+LF or Tab; terminators within 250 ms after a code belong to that code, so a scan never presses a button.
The same characters at the same times give the same codes however they are split on their way here.
"""

import unicodedata
from dataclasses import dataclass

SCANNER_GAP_MS = 30
PERSON_GAP_MS = 100
TERMINATOR_MS = 250
CUT_AFTER_MS = 150
LONG_AGO_MS = -(10**12)
CODE_MIN = 4
CODE_MAX = 512


@dataclass(frozen=True, slots=True)
class Code:
    """A whole code. Longer than 512 characters: its first 513, for the lane to refuse."""

    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A character from a person."""

    char: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A scanner's run without its end: to be refused visibly."""

    text: str


@dataclass(frozen=True, slots=True)
class Enter:
    """A person's Enter, line feed or Tab; `key` says which."""

    key: str


Output = Code | Typed | Cut | Enter


class Wedge:
    """The assembler of one keyboard stream. `feed` for characters, `end` for terminators, `idle` when time goes by."""

    def __init__(self) -> None:
        self._run: list[str] = []
        self._is_scanner = False
        self._is_tainted = False  # began right behind a typed character: perhaps the rest of a code
        self._last_ms = LONG_AGO_MS
        self._typed_ms = LONG_AGO_MS
        self._ended_ms: int | None = None

    @property
    def deadline_ms(self) -> int | None:
        """When `idle` has something to say if no character comes before."""
        if not self._run:
            return None
        return self._last_ms + (CUT_AFTER_MS if self._is_scanner else SCANNER_GAP_MS)

    def feed(self, char: str, at_ms: int) -> list[Output]:
        """One printable character; full-width forms are folded."""
        folded = unicodedata.normalize("NFKC", char)
        char = folded if len(folded) == 1 else char
        out = self._break_if_late(at_ms)
        if self._run:
            self._is_scanner = True
        else:
            self._is_tainted = at_ms - self._typed_ms <= PERSON_GAP_MS
        if len(self._run) <= CODE_MAX:
            self._run.append(char)
        self._last_ms = at_ms
        self._ended_ms = None
        return out

    def end(self, key: str, at_ms: int) -> list[Output]:
        """A terminator: it ends a code, belongs to the one before, or is a person's."""
        out = self._break_if_late(at_ms)
        self._typed_ms = LONG_AGO_MS
        if self._run and self._is_code():
            text = "".join(self._run)
            self._clear()
            self._ended_ms = at_ms
            return [*out, Cut(text) if self._is_tainted else Code(text)]
        if self._ended_ms is not None and at_ms - self._ended_ms <= TERMINATOR_MS and not self._run:
            return out
        return [*out, *self._as_typed(at_ms), Enter(key)]

    def paste(self, text: str, at_ms: int) -> list[Output]:
        """A bracketed paste goes the same way; its end ends a code."""
        out: list[Output] = []
        for char in text:
            out += self.end("enter", at_ms) if char in "\r\n\t" else self.feed(char, at_ms) if char.isprintable() else []
        if self._run and self._is_code():
            out += self.end("enter", at_ms)
        return out

    def other_key(self, at_ms: int) -> list[Output]:
        """Any other key: what was waiting comes first."""
        return self._flush(at_ms)

    def idle(self, now_ms: int) -> list[Output]:
        """Nothing came until now: a lone character was a person's, a run without end was cut."""
        deadline_ms = self.deadline_ms
        return self._flush(now_ms) if deadline_ms is not None and now_ms >= deadline_ms else []

    def _break_if_late(self, at_ms: int) -> list[Output]:
        """Whether the run goes on with a character of this moment; if not, it is over."""
        gap_ms = at_ms - self._last_ms
        goes_on = gap_ms < SCANNER_GAP_MS or (self._is_scanner and gap_ms <= PERSON_GAP_MS)
        return [] if not self._run or goes_on else self._flush(at_ms)

    def _is_code(self) -> bool:
        return self._is_scanner and len(self._run) >= CODE_MIN and all(char.isascii() for char in self._run)

    def _flush(self, at_ms: int) -> list[Output]:
        if self._run and self._is_code():
            text = "".join(self._run)
            self._clear()
            return [Cut(text)]
        return self._as_typed(at_ms)

    def _as_typed(self, at_ms: int) -> list[Output]:
        out: list[Output] = [Typed(char) for char in self._run]
        if out:
            self._typed_ms = self._last_ms
        self._clear()
        return out

    def _clear(self) -> None:
        self._run = []
        self._is_scanner = False
