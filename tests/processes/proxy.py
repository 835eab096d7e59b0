"""A bad line to one of several servers: a seeded TCP proxy in a process of its own. A word on stdin changes the weather.

Words: `calm` (forwards all), `rough` (the default: each connection gets a fate), `down` (refuses all), `stall` (takes
connections and forwards nothing); each breaks what is open. A rough connection may be cut after so many bytes up (request
lost), after so many down (answer lost or truncated), be slow, or be half-open: it says nothing until somebody loses
patience. Each fate that comes true is told in a line.
"""

import asyncio
import contextlib
import random
import sys

from tests.processes.deck import dealt

FATES = ("fine", "fine", "cut_up", "cut_down", "slow", "half_open")
SLOW_BYTES = 8_000  # a second: 64 kbit/s
HALF_OPEN_S = 4.0


class Proxy:
    def __init__(self, targets: list[tuple[str, int]], seed: int) -> None:
        self.random = random.Random(f"proxy:{seed}")
        self.targets, self.fates = dealt(targets, self.random), dealt(FATES, self.random)
        self.weather = "rough"
        self.open: set[asyncio.Task[None]] = set()

    async def serve(self, port: int) -> None:
        server = await asyncio.start_server(self._take, "127.0.0.1", port)
        print(f"ready {port}", flush=True)
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            self.weather = line.decode().strip()
            for task in self.open:
                task.cancel()
        server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        try:
            if self.weather != "down":
                await self._forward(reader, writer, self._fate())
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open.discard(task)
            writer.transport.abort()

    def _fate(self) -> str:
        return {"calm": "fine", "stall": "stalled"}.get(self.weather) or next(self.fates)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fate: str) -> None:
        if fate in ("half_open", "stalled"):
            _tell(fate)
            await asyncio.sleep(HALF_OPEN_S)
            return
        up_reader, up_writer = await asyncio.open_connection(*next(self.targets))
        if fate == "slow":
            _tell(fate)
        limits = {"cut_up": (self.random.randrange(1, 4000), None), "cut_down": (None, self.random.randrange(0, 400))}
        up, down = limits.get(fate, (None, None))
        ways = [self._pass(reader, up_writer, up, fate), self._pass(up_reader, writer, down, fate)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            up_writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None, fate: str) -> None:
        """Until an end closes, or `limit` bytes have passed."""
        with contextlib.suppress(OSError):
            while data := await reader.read(1_000 if fate == "slow" else 65_536):
                if limit is not None and len(data) >= limit:
                    writer.write(data[:limit])
                    await writer.drain()
                    _tell(fate)
                    return
                limit = None if limit is None else limit - len(data)
                writer.write(data)
                await writer.drain()
                if fate == "slow":
                    await asyncio.sleep(len(data) / SLOW_BYTES)


def _tell(fate: str) -> None:
    print(f"fate {fate}", flush=True)


if __name__ == "__main__":
    port, seed, host, *ports = sys.argv[1:]
    asyncio.run(Proxy([(host, int(each)) for each in ports], int(seed)).serve(int(port)))
