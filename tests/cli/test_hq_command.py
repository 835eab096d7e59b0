"""`pos hq …` as people run it: a real database, two languages, a code, exit codes, JSON, and a server that answers."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pos_app.hq_command import ACTIONS
from sync.hq_server.database import Database
from sync.hq_server.hq import Hq
from sync.hq_server.tables import enrol_codes
from sync.signing import key_id
from tests.cli.test_commands import is_refused_with
from tests.cli.test_commands import pos as process
from tests.cli.test_package_command import pos
from tests.sync.hq.projection_kit import Sender, event, sale
from tests.sync.hub.kit import World
from tests.sync.hub.test_coupons import handed_over


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An HQ with a sale and one that does not add up."""
    url = f"sqlite:///{tmp_path / 'hq.sqlite'}"
    database = Database.open(url)
    Sender(Hq.create(database), name="人民广场店").tell(event("sale", sale(12_34)), event("sale", sale() | {"total_fen": 9}))
    database.close()
    return url


def _answer(*arguments: object) -> Any:
    done = pos("hq", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_hq_is_made_once_and_its_token_shown_once(tmp_path: Path) -> None:
    where = ("--database", f"sqlite:///{tmp_path / 'new.sqlite'}")
    token = _answer("init", *where)["token"]
    assert token.startswith("lanewise-")
    assert is_refused_with(pos("hq", "init", *where), "POS-7102")
    assert _answer("init", "--new-token", *where)["token"] != token


@pytest.mark.parametrize(
    "action", ["stores", "verify", "quarantine", "claims", "restored", "enrol", "revoke", "serve", "publish"]
)
def test_an_hq_that_is_not_there_is_refused_and_no_file_is_made(tmp_path: Path, action: str) -> None:
    (tmp_path / "rows.csv").write_text("sku,reason\nA,recall\n")
    more = {"enrol": ["S001"], "revoke": ["ab"], "publish": ["stop_sales", tmp_path / "rows.csv"]}.get(action, [])
    assert is_refused_with(pos("hq", action, *more, "--database", f"sqlite:///{tmp_path / 'no.sqlite'}"), "POS-7101")
    assert not (tmp_path / "no.sqlite").exists()


@pytest.mark.parametrize("url", ["nonsense://x", "postgresql+psycopg://u:secret@127.0.0.1:1/x", "sqlite:////dev/null/x/y"])
def test_a_database_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    done = pos("hq", "stores", "--database", url)
    assert is_refused_with(done, "POS-7101")
    assert "secret" not in done.stderr


def test_shops_with_their_devices_and_what_waits(url: str) -> None:
    told = _answer("stores", "--database", url)
    assert [(shop["store"], shop["name"], shop["events"], shop["exceptions"]) for shop in told["stores"]] == [
        ("S001", "人民广场店", 2, 1)
    ]
    assert [device["device"] for device in told["devices"]] == ["01" * 16]
    assert "人民广场店" in pos("hq", "stores", "--database", url).stdout


def test_a_code_for_a_shop_and_none_for_a_name_that_is_no_id(url: str) -> None:
    made = _answer("enrol", "S009", "--name", "虹桥店", "--hub", "--database", url)
    assert (made["store"], made["hours"], made["code"].count("-")) == ("S009", 24, 3)
    for name in ("a/b", "", "x" * 65, "a\nb"):
        assert is_refused_with(pos("hq", "enrol", name, "--database", url), "POS-5005"), name


def test_a_code_comes_with_hqs_key_and_names_devices_of_its_shop(url: str) -> None:
    made = _answer("enrol", "S001", "--heir-of", "0101", "--database", url)
    database = Database.open(url)
    with database.read() as connection:
        (named,) = connection.execute(select(enrol_codes.c.heir_of).where(enrol_codes.c.used_ms == 0)).scalars()
    assert (bytes(named), made["hq_key"]) == (bytes([1]) * 16, key_id(Hq.open(database).key))
    database.close()
    assert made["hq_key"] in pos("hq", "enrol", "S001", "--database", url).stdout
    for shop, *ids in (("S001", "ff"), ("S001", "01", "ff"), ("S001", ""), ("S009", "01")):
        assert is_refused_with(pos("hq", "enrol", shop, "--heir-of", *ids, "--database", url), "POS-7105"), ids


def test_an_exception_is_listed_accepted_and_gone(url: str) -> None:
    (entry,) = _answer("quarantine", "--database", url)
    assert (entry["code"], entry["owner"]) == ("not_whole", "hq")
    assert _answer("quarantine", "accept", entry["uid"], "--by", "9001", "--database", url)["entries"] == 1
    assert _answer("quarantine", "--database", url) == []
    assert is_refused_with(pos("hq", "quarantine", "accept", entry["uid"], "--database", url), "POS-7103")
    assert _answer("verify", "--database", url)["projected"] == 2


def test_what_a_shop_sent_moves_no_cursor_of_an_operator(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hq.sqlite'}"
    database = Database.open(url)
    Sender(Hq.create(database)).tell(event("sale", sale() | {"total_fen": 9, "number": "S001\x1b[2J\u202e\x9b1A"}))
    database.close()
    shown = pos("hq", "quarantine", "--database", url).stdout
    assert "S001" in shown and not {"\x1b", "\x9b", "\u202e"} & set(shown)


def test_an_exception_is_resolved_and_its_event_stays_out(url: str) -> None:
    (entry,) = _answer("quarantine", "--database", url)
    _answer("quarantine", "resolve", entry["uid"], "--how", "written_off", "--database", url)
    assert _answer("quarantine", "--database", url) == []
    assert _answer("verify", "--database", url)["put_aside"] == 1
    assert is_refused_with(pos("hq", "quarantine", "resolve", "coupon_overused/X/2", "--database", url), "POS-7103")


def test_verify_says_what_is_wrong_and_exits_with_1(url: str) -> None:
    assert _answer("verify", "--database", url)["verify"] == "ok"
    database = Database.open(url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE store_days SET sales_fen = 1")
    database.close()
    done = pos("hq", "verify", "--database", url)
    assert done.returncode == 1 and done.stdout.startswith("WRONG") and "≠ store_days" in done.stdout


def test_a_device_is_revoked_by_how_its_id_begins(url: str) -> None:
    assert is_refused_with(pos("hq", "revoke", "ff", "--database", url), "POS-7105")
    assert _answer("revoke", "0101", "--database", url)["device"] == "01" * 16
    assert [device["state"] for device in _answer("stores", "--database", url)["devices"]] == ["revoked"]


def test_rows_are_published_or_every_problem_named(url: str, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("sku,reason\nA,recall\nB,recall\n")
    bad.write_text("sku,reason\n,recall\n")
    assert _answer("publish", "stop_sales", good, "--full", "--database", url)["rows"] == 2
    good.write_text("sku,reason\nA,recall\n")
    assert _answer("publish", "stop_sales", good, "--full", "--database", url)["taken_away"] == 1
    done = pos("hq", "publish", "stop_sales", bad, "--database", url)
    assert is_refused_with(done, "POS-7106") and "- line 2 sku:" in done.stderr
    assert is_refused_with(pos("hq", "publish", "stop_sales", tmp_path / "none.csv", "--database", url), "POS-5002")


def test_another_generation_begins_when_hq_was_restored(url: str) -> None:
    assert _answer("restored", "--database", url) != _answer("restored", "--database", url)


def test_who_revokes_a_till_on_its_hub_is_told_to_do_so_at_hq(tmp_path: Path) -> None:
    world = World(tmp_path)
    till = world.a.store.device.device.hex()
    assert "at HQ too" in pos("hq", "revoke", till, "--database", world.hub.url).stdout
    world.sync(world.b)
    world.relay_all()
    told = pos("hq", "revoke", world.b.store.device.device.hex(), "--database", world.hq.url).stdout
    assert "revoked" in told and "at HQ too" not in told


def test_a_claim_of_a_till_whose_disk_is_gone_is_listed_and_freed_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path)
    code, where = handed_over(world), ("--database", world.hub.url)
    assert world.b.till.scan(code).state.basket.codes[0].code == code
    (claim,) = _answer("claims", *where)
    assert (claim["what"], claim["name"], claim["till"]) == ("coupon", code, world.b.store.device.device.hex())
    assert code in pos("hq", "claims", *where).stdout
    world.restart_hub()
    world.sync(world.a)
    shown = pos("hq", "claims", *where).stdout
    assert world.b.store.device.device.hex()[:12] in shown.splitlines()[-1]
    assert world.a.store.device.device.hex()[:12] not in shown
    world.sync(world.b)
    assert "not heard" not in pos("hq", "claims", *where).stdout
    assert world.a.till.scan(code).says == "POS-2306"
    one = (claim["what"], claim["name"], claim["uid"])
    assert is_refused_with(pos("hq", "claims", "free", *one, *where), "POS-5005"), "without a name of who decides"
    assert is_refused_with(pos("hq", "claims", "free", "coupon", code, "00" * 16, "--by", "9001", *where), "POS-7108")
    assert is_refused_with(pos("hq", "claims", "free", "coupon", code, "nonsense", "--by", "9001", *where), "POS-5005")
    assert _answer("claims", "free", *one, "--by", "9001", *where)["by"] == "9001"
    assert any("9001 freed coupon" in record.getMessage() for record in caplog.records)
    assert _answer("claims", *where) == []
    assert is_refused_with(pos("hq", "claims", "free", *one, "--by", "9001", *where), "POS-7108")
    assert world.a.till.scan(code).state.basket.codes[0].code == code
    with world.hub.hq.database.read() as connection:
        freed = connection.exec_driver_sql(
            "SELECT device, state, freed_by, freed_ms > 0 FROM hub_claims WHERE freed_by <> ''"
        ).all()
    assert [tuple(row) for row in freed] == [(world.b.store.device.device, "released", "9001", 1)]


@pytest.mark.parametrize("action", ACTIONS)
def test_help_has_an_example_and_exit_codes(action: str) -> None:
    with pytest.raises(SystemExit) as ended:
        pos("hq", action, "--help")
    assert ended.value.code == 0
    assert ACTIONS[action][1].startswith(f"pos hq {action}")


def test_the_server_answers_and_ends_when_it_is_told(url: str, tmp_path: Path) -> None:
    token = json.loads(process("hq", "init", "--new-token", "--json", "--database", url).stdout)["token"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pos_app", "hq", "serve", "--port", str(port), "--database", url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None and str(port) in server.stderr.readline()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/api/v1/stores", headers={"Authorization": f"Bearer {token}"}
            )
            (shop,) = json.loads(_when_it_answers(request))
            assert shop["store"] == "S001"
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) in (0, -signal.SIGTERM)


def _when_it_answers(request: urllib.request.Request) -> bytes:
    for _ in range(600):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)  # it says where it listens just before it does
    raise AssertionError("no answer")
