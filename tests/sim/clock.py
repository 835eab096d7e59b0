"""One virtual time for all machines; each has its own idea of what the wall says."""

from pos_app.demo.day import DAY_START_MS


class WorldTime:
    """Time that moves only when the world lets it."""

    def __init__(self) -> None:
        self.now_ms = DAY_START_MS


class MachineClock:
    """A machine's clock: `offset_ms` is how wrong its wall is; a new boot begins the monotonic time again."""

    def __init__(self, time: WorldTime, boot: int) -> None:
        self._time = time
        self.offset_ms = 0
        self.reboot(boot)

    def reboot(self, boot: int) -> None:
        self._boot_id = boot.to_bytes(16, "big")
        self._booted_ms = self._time.now_ms

    def wall_ms(self) -> int:
        return self._time.now_ms + self.offset_ms

    def mono_ms(self) -> int:
        return self._time.now_ms - self._booted_ms

    def boot_id(self) -> bytes:
        return self._boot_id
