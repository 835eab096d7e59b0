"""The log of a process: JSON lines in a rotating file beside the store; never the terminal of a screen, never a code whole."""

import json
import logging
import logging.handlers
import re
from pathlib import Path

LONG_NUMBER = re.compile(r"\d{11,}")
BYTES_MAX, FILES = 1_000_000, 3


def start(store: Path) -> None:
    """Send every record to `STORE.log`. A file that cannot be written ends logging, not selling."""
    handler: logging.Handler
    try:
        handler = logging.handlers.RotatingFileHandler(
            store.with_name(store.name + ".log"), maxBytes=BYTES_MAX, backupCount=FILES, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.raiseExceptions = False


class JsonLines(logging.Formatter):
    """One object a line; of a long number (a phone, a payment code, a card) the first two and last four digits."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"at": self.formatTime(record), "level": record.levelname, "from": record.name, "what": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return LONG_NUMBER.sub(_masked, json.dumps(line, ensure_ascii=False))


def _masked(found: re.Match[str]) -> str:
    return f"{found[0][:2]}…{found[0][-4:]}"
