"""Claims on the wire: asked again, let go of, asked for late; promises of stock; who is not answered."""

from pathlib import Path

import pytest

from sync import protocol
from sync.hq_server import devices, hub_memory
from sync.protocol import Claim, Claimed, HeldBasket, HeldBaskets, Release
from tests.sync.hq_kit import AskedInVain, FakeTill, client_of
from tests.sync.hub.kit import World

UIDS = tuple(bytes([n]) * 16 for n in range(9))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def till_of(world: World, number: int = 1) -> FakeTill:
    """A till that the hub has heard in full, with 10 of WATER on hand."""
    till = FakeTill(world.hub.hq, client_of(world.hub.hq), number)
    generation = till.enrol().generation
    chain = till.new_chain()
    till.add(chain, "stock_moved", {"reason": "delivery", "moves": [{"sku": "WATER", "quantity": 10}]})
    till.push(chain)
    with world.hub.hq.database.read() as connection:
        run = hub_memory.current_run(connection, till.store)
    told = HeldBaskets(baskets=[], generation=generation, run=run, epoch=chain.chain.epoch, seq=chain.mark.seq)
    till.ask(protocol.HUB_BASKETS, told, HeldBaskets)
    till.chain = chain  # type: ignore[attr-defined]
    return till


def promise(till: FakeTill, uid: bytes, *lines: tuple[str, int]) -> str:
    return str(till.ask(protocol.HUB_CLAIM, Claim(what="stock", name="", uid=uid, lines=list(lines)), Claimed).state)


def let_go(till: FakeTill, uid: bytes) -> str:
    return str(till.ask(protocol.HUB_RELEASE, Release(what="stock", name="", uid=uid), Claimed).state)


def test_stock_is_promised_while_it_is_there_and_once_however_often_it_is_asked_for(world: World) -> None:
    till = till_of(world)
    assert promise(till, UIDS[1], ("WATER", 4), ("WATER", 2)) == "held"
    assert promise(till, UIDS[1], ("WATER", 4), ("WATER", 2)) == "held"
    assert promise(till, UIDS[2], ("WATER", 5)) == "short"
    assert promise(till, UIDS[2], ("WATER", 4)) == "held"
    assert let_go(till, UIDS[1]) == "released"
    assert promise(till, UIDS[3], ("WATER", 6)) == "held"
    assert promise(till, UIDS[4], ("WATER", 1)) == "short"
    assert promise(till, UIDS[5], ("MILK", 1)) == "short"
    assert promise(till, UIDS[6]) == promise(till, UIDS[7], ("WATER", -1)) == "unknown"


def test_a_promise_is_used_by_the_event_that_carries_its_uid(world: World) -> None:
    till = till_of(world)
    assert promise(till, UIDS[1], ("WATER", 10)) == "held"
    moves = {"reason": "picked", "moves": [{"sku": "WATER", "quantity": -7}]}
    till.add(till.chain, "stock_moved", moves, uid=UIDS[1])  # type: ignore[attr-defined]
    till.push(till.chain)  # type: ignore[attr-defined]
    assert promise(till, UIDS[1], ("WATER", 10)) == "used"
    assert promise(till, UIDS[2], ("WATER", 4)) == "short"
    assert promise(till, UIDS[2], ("WATER", 3)) == "held"


def test_a_claim_that_comes_after_its_release_is_not_held(world: World) -> None:
    till = till_of(world)
    assert let_go(till, UIDS[1]) == "released"
    assert promise(till, UIDS[1], ("WATER", 1)) == "released"
    assert promise(till, UIDS[2], ("WATER", 1)) == "held"
    assert let_go(till, UIDS[2]) == let_go(till, UIDS[2]) == "released"
    assert promise(till, UIDS[2], ("WATER", 1)) == "released"


def test_nobody_lets_go_of_what_another_holds(world: World) -> None:
    till, other = till_of(world), till_of(world, 2)
    assert promise(till, UIDS[1], ("WATER", 20)) == "held"
    let_go(other, UIDS[1])
    assert promise(other, UIDS[1], ("WATER", 1)) == "taken"
    assert promise(other, UIDS[2], ("WATER", 1)) == "short"


@pytest.mark.parametrize("name", ["", "zz", "Q" * 300, "\x00", "S001'--"])
@pytest.mark.parametrize("what", ["sale", "coupon", "basket", "everything"])
def test_a_name_that_is_none_is_unknown(world: World, what: str, name: str) -> None:
    till = till_of(world)
    answer = till.ask(protocol.HUB_CLAIM, Claim(what=what, name=name, uid=UIDS[1]), Claimed)
    assert answer.state == "unknown"


def test_an_hq_is_no_hub_and_a_revoked_till_is_not_answered(world: World) -> None:
    till = till_of(world)
    with world.hub.hq.database.write() as connection:
        devices.revoke(connection, till.device, 1)
    with pytest.raises(AskedInVain) as refused:
        promise(till, UIDS[1], ("WATER", 1))
    assert refused.value.code == protocol.UNKNOWN_DEVICE
    direct = FakeTill(world.hq.hq, client_of(world.hq.hq), 5)
    direct.enrol()
    with pytest.raises(AskedInVain) as refused:
        promise(direct, UIDS[1], ("WATER", 1))
    assert refused.value.code == protocol.NOT_FOUND


@pytest.mark.parametrize(
    "told",
    [
        HeldBaskets(baskets=[HeldBasket(b"short", "a", "01", 1, b"[]")]),
        HeldBaskets(baskets=[HeldBasket(UIDS[1], "a", "01", 1 << 63, b"[]")]),
        HeldBaskets(baskets=[HeldBasket(UIDS[1], "a", "01", 1, b"[]")] * 2),
        HeldBaskets(baskets=[], seq=-1),
        HeldBaskets(baskets=[], claims=[("everything", "x", UIDS[1])]),
    ],
)
def test_what_no_till_tells_is_refused_and_changes_nothing(world: World, told: HeldBaskets) -> None:
    till = till_of(world)
    with pytest.raises(AskedInVain) as refused:
        till.ask(protocol.HUB_BASKETS, told, HeldBaskets)
    assert refused.value.code == protocol.BROKEN
