"""An old agent with a new HQ, and the reverse, in the middle of a queue: understood or refused, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from store_db import sync_state
from store_db.verify import verify
from sync import protocol, push
from sync.hq_server.app import make_app
from sync.link import Link
from sync.protocol import Ack, Push, decode
from tests.sim import facts
from tests.sync.agent_kit import URL, HeadOffice, Machine, instead, is_whole
from tests.sync.asgi import run_inline


class PushOfTomorrow(Push, frozen=True):
    mood: str = "unknown to HQ"
    weight: int = 2


class AckOfTomorrow(Ack, frozen=True):
    mood: str = "unknown to the till"


@pytest.fixture
def till(office: HeadOffice, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(office, tmp_path / "till.sqlite")
    machine.sell(3)
    machine.settle()
    machine.sell(3)
    yield machine
    machine.close()


def hq_speaks(office: HeadOffice, till: Machine, oldest: int, newest: int) -> None:
    till.line.transport.app = make_app(office.hq, run=run_inline, versions=(oldest, newest))


def agent_speaks(till: Machine, oldest: int, newest: int) -> None:
    till.link = till.agent.link = Link(till.store, httpx.Client(transport=till.line, base_url=URL), (oldest, newest))


def test_a_newer_agent_speaks_the_older_version_of_hq(office: HeadOffice, till: Machine) -> None:
    hq_speaks(office, till, 1, 2)
    agent_speaks(till, 2, 4)
    till.settle()
    assert till.link.version == 2 and is_whole(office, till)


def test_an_agent_that_is_too_old_is_told_so_sells_on_and_goes_on_when_it_is_upgraded(office: HeadOffice, till: Machine) -> None:
    hq_speaks(office, till, 3, 5)
    agent_speaks(till, 1, 2)
    assert till.agent.push_once().trouble == till.agent.pull_once().trouble == protocol.VERSION
    till.sell(3)
    assert sync_state.line_state(till.store.connection).waiting_sales == 6
    agent_speaks(till, 2, 4)
    till.settle()
    assert is_whole(office, till)


def test_an_agent_that_is_too_new_waits_for_hq_without_being_started_again(office: HeadOffice, till: Machine) -> None:
    hq_speaks(office, till, 1, 1)
    agent_speaks(till, 3, 4)
    assert till.agent.push_once().trouble == protocol.VERSION
    hq_speaks(office, till, 2, 4)
    till.settle()
    assert is_whole(office, till)


def test_fields_of_tomorrow_are_passed_over_by_both(office: HeadOffice, till: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = push._push

    def newer(chain, entries):  # type: ignore[no-untyped-def]
        made = plain(chain, entries)
        return PushOfTomorrow(**{name: getattr(made, name) for name in made.__struct_fields__})

    def newer_answer(answer: httpx.Response) -> httpx.Response:
        made = decode(Ack, answer.content)
        return instead(200, AckOfTomorrow(**{name: getattr(made, name) for name in made.__struct_fields__}))(answer)

    monkeypatch.setattr(push, "_push", newer)
    till.line.answers = [newer_answer]
    step = till.agent.push_once()
    assert step.done > 0 and step.trouble == "" and is_whole(office, till)


def test_a_kind_of_tomorrow_is_carried_counted_and_proved(office: HeadOffice, till: Machine) -> None:
    facts.invent(till.store)
    till.sell(2)
    till.settle()
    assert is_whole(office, till) and verify(till.store.connection).is_ok
    assert office.rows("SELECT count(*) FROM log WHERE kind = 'novelty'") == [(1,)]
