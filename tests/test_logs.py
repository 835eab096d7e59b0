"""The log: a file, JSON, and no long number whole."""

import json
import logging
from pathlib import Path

import pytest

from pos_app import logs


@pytest.fixture(autouse=True)
def root_logger():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


def test_a_record_is_one_json_line_beside_the_store_with_long_numbers_masked(tmp_path: Path, capfd):
    logs.start(tmp_path / "shop.sqlite")
    try:
        raise ValueError("code 134567890123456789")
    except ValueError:
        logging.getLogger("x").exception("phone %s", "13812345678")
    (line,) = (tmp_path / "shop.sqlite.log").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["what"] == "phone 13…5678"
    assert "134567890123456789" not in line and "13…6789" in line
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, capfd):
    logs.start(tmp_path / "missing" / "shop.sqlite")
    logging.getLogger("x").error("unheard")
    assert capfd.readouterr() == ("", "")
