"""Run a program until a text is on the terminal, and end it there: `python -m bench.apps.first_frame TEXT minimal|pos …`."""

import os
import sys

from textual.drivers.linux_driver import LinuxDriver


def stop_at(text: str) -> None:
    """End this process as soon as a painting that holds `text` has been written to its last byte."""
    write = LinuxDriver.write

    def watched(driver: LinuxDriver, data: str) -> None:
        write(driver, data)
        if text in data:
            driver._writer_thread.stop()
            os._exit(0)

    LinuxDriver.write = watched


def main(text: str, program: str, *arguments: str) -> None:
    stop_at(text)
    if program == "minimal":
        from bench.apps.minimal import MinimalApp

        MinimalApp().run()
    else:
        from pos_app.cli import main as pos

        pos(arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
