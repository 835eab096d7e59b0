"""Random walks through the pure machine: no sequence of intents breaks it, and its promises hold in every state on the way."""

import random
from dataclasses import replace

import pytest

from pos_app.domain.goods import ADULT_ONLY
from pos_app.domain.lane import LaneConfig, LaneState, start
from pos_app.domain.lane.intents import CommitSale, Press, Scan, Tick
from pos_app.domain.lane.state import CASHIER, SELF_CHECKOUT
from pos_app.domain.pricing.engine import price
from pos_app.i18n import text
from tests.domain.lane_world import CODES, TAKES_MONEY, World, random_intent
from tests.shop_kit import BAGS, ITEMS

STEPS = 5_000
SKINS = (CASHIER, SELF_CHECKOUT)
SEEDS = (1, 12)


class Walk:
    """One seeded walk; `here` names the step of a failure, so that it can be walked again."""

    def __init__(self, skin: str, seed: int) -> None:
        self.draw = random.Random(f"{skin}:{seed}")
        self.world = World(self.draw)
        bags = BAGS if skin == SELF_CHECKOUT else ()
        state = start(LaneConfig(skin=skin, bag_skus=bags), now_ms=0)
        self.state = replace(state, bags=tuple(ITEMS[sku] for sku in bags))
        self.here = f"{skin}, seed {seed}, step 0"
        self.seed, self.skin = seed, skin

    def __iter__(self) -> "Walk":
        self.steps = 0
        return self

    def __next__(self) -> tuple[LaneState, object, LaneState, list[object]]:
        """(before, intent, after, effects) of the next step."""
        if self.steps == STEPS:
            raise StopIteration
        self.steps += 1
        before, intent = self.state, random_intent(self.draw, self.state)
        self.here = f"{self.skin}, seed {self.seed}, step {self.steps}: {intent} at {before.phase}, {before.dialog}"
        self.state = self.world.run(before, intent)
        return before, intent, self.state, list(self.world.effects)


@pytest.fixture(params=[(skin, seed) for skin in SKINS for seed in SEEDS], ids=lambda p: f"{p[0]}-{p[1]}")
def walk(request: pytest.FixtureRequest) -> Walk:
    return Walk(*request.param)


def test_no_sequence_of_intents_breaks_the_machine(walk: Walk) -> None:
    reached = set()
    for _, _, state, _ in walk:
        reached.add((state.phase, state.dialog.kind if state.dialog else ""))
    assert len(reached) >= (18 if walk.skin == CASHIER else 12), "the walk saw too little to prove anything"


def test_what_is_shown_holds_together_in_every_state(walk: Walk) -> None:
    for _, _, state, _ in walk:
        assert state.priced == price(state.basket, state.basket.customer, state.config.package, state.price_ms), walk.here
        assert (state.highlighted() is not None) == bool(state.basket.lines), walk.here
        assert state.left_fen >= 0, walk.here
        assert state.approver == "", walk.here
        if state.dialog is not None and state.dialog.rows:
            assert 0 <= state.dialog.cursor < len(state.dialog.rows), walk.here


def test_what_a_card_terminal_was_asked_for_can_be_taken_as_long_as_it_is_asked(walk: Walk) -> None:
    for _, _, state, _ in walk:
        if state.dialog is not None and state.dialog.kind == "card":
            assert 0 < state.dialog.data <= state.left_fen, walk.here


def test_every_message_has_its_text_and_values_in_both_languages(walk: Walk) -> None:
    for _, _, state, _ in walk:
        for lang in ("zh", "en"):
            if state.banner is not None:
                assert text(lang, state.banner.key, state.banner.args), walk.here
            if state.dialog is not None and state.dialog.refusal is not None:
                assert text(lang, state.dialog.refusal.code, state.dialog.refusal.args), walk.here


def test_a_scan_never_pays_never_opens_the_drawer_and_never_changes_the_screen(walk: Walk) -> None:
    for before, intent, after, effects in walk:
        if isinstance(intent, Scan):
            assert not [effect for effect in effects if isinstance(effect, TAKES_MONEY)], walk.here
            assert after.phase == before.phase, walk.here
            assert (after.person, after.shift_no) == (before.person, before.shift_no), walk.here
            assert len(after.basket.lines) >= len(before.basket.lines), walk.here


def test_bursts_of_scans_in_any_state_take_no_money(walk: Walk) -> None:
    for n, (_, _, state, _) in enumerate(walk):
        if n % 25 == 0:
            burst = World(random.Random(n))
            for code in walk.draw.choices(CODES, k=6):
                phase = state.phase
                state = burst.run(state, Scan(code))
                assert state.phase == phase, walk.here
                assert not [effect for effect in burst.effects if isinstance(effect, TAKES_MONEY)], walk.here


def test_esc_again_and_again_never_loses_a_line(walk: Walk) -> None:
    """From any state; codes that waited may come in, but nothing goes."""
    for n, (_, _, state, _) in enumerate(walk):
        if n % 10 == 0:
            lines, had_waiting = state.basket.lines, bool(state.waiting)
            calm = World(random.Random(n))
            for _ in range(10):
                state = calm.run(state, Press("back"))
                assert not [effect for effect in calm.effects if isinstance(effect, TAKES_MONEY)], walk.here
            if had_waiting:
                assert {line.line_id for line in lines} <= {line.line_id for line in state.basket.lines}, walk.here
            else:
                assert state.basket.lines == lines, walk.here


def test_a_sale_is_paid_in_full_with_a_shift_and_every_proof_of_age(walk: Walk) -> None:
    sales = 0
    for before, _, _, effects in walk:
        for effect in effects:
            if isinstance(effect, CommitSale):
                sales += 1
                paid = sum(tender.amount_fen for tender in effect.tenders)
                total = before.priced.total_fen - before.exchange_fen
                assert total - 10 < paid <= total, walk.here
                assert all(tender.amount_fen >= 0 for tender in effect.tenders), walk.here
                assert before.is_self_checkout or before.shift_no is not None, walk.here
                assert before.basket.lines, walk.here
                adult = [line for line in before.basket.lines if line.item.restricted in ADULT_ONLY]
                assert all(before.basket.is_approved(line) for line in adult), walk.here
    assert sales > 30, "the walk sold too little to prove anything"


def test_on_self_checkout_no_cash_is_taken_and_no_card_without_a_visit(walk: Walk) -> None:
    visited = False
    for before, _, _, effects in walk:
        visited = visited or (before.dialog is not None and before.dialog.kind == "visit")
        for effect in effects:
            if before.is_self_checkout and isinstance(effect, CommitSale):
                assert {tender.kind for tender in effect.tenders} == {"card_terminal"}, walk.here
                assert visited, walk.here
                visited = False


def test_between_two_shoppers_nothing_of_the_first_one_stays(walk: Walk) -> None:
    for before, _, state, _ in walk:
        if before.basket.lines and state.is_idle and state.basket.number is None and not state.basket.voided:
            assert state.waiting == (), walk.here
            assert state.basket.approvals == (), walk.here
            assert (state.quantity, state.entry, state.bags_asked) == (None, "", False), walk.here


def test_a_close_can_be_reached_from_every_state_of_a_cashiers_lane() -> None:
    """Esc until the basket is free, cancel or pay it, then close: no state is a dead end (pain 17)."""
    walk = Walk(CASHIER, 5)
    for n, (_, _, state, _) in enumerate(walk):
        if n % 40 == 0:
            assert _can_close(state), walk.here


def _can_close(state: LaneState) -> bool:
    """Drive a lane to the Z by keys alone, as a supervisor would."""
    world = World(random.Random(1))
    world.draw = _Lucky()
    for _ in range(6):
        state = world.run(state, Press("back"))
    keys: tuple[str, ...] = ("pay", "yes", "pay", "pay", "pay", "back", "close_shift", *("enter",) * 9, "yes", "enter", "back")
    for round_ in range(4):
        if state.dialog is not None and state.dialog.kind.startswith(("login", "float")):
            state = _log_in(world, state)
        if round_ and state.shift_no is None:
            return True
        for key in keys:
            state = world.run(state, Press(key))
            if state.dialog is not None and state.dialog.kind == "report_z":
                return True
        state = world.run(state, Press("lock"))
    return False


def _log_in(world: World, state: LaneState) -> LaneState:
    for key in ("1", "enter", "1", "enter", "enter"):
        from pos_app.domain.lane.intents import Char

        state = world.run(state, Press(key) if key == "enter" else Char(key))
    return state


class _Lucky(random.Random):
    """Nothing fails: every PIN is a manager's, every commit works."""

    def random(self) -> float:
        return 0.5

    def choice(self, seq):  # type: ignore[no-untyped-def]
        return "manager" if "manager" in seq else seq[0]


def test_time_alone_takes_no_money_and_loses_no_basket(walk: Walk) -> None:
    for n, (_, _, state, _) in enumerate(walk):
        if n % 20 == 0:
            world = World(random.Random(n))
            for ms in (1_000, 61_000, 121_000, -500_000, 10**9):
                had = {line.line_id for line in state.basket.lines}
                state = world.run(state, Tick(state.now_ms + ms))
                kept = [state.basket, *world.held.values()]
                assert any(had <= {line.line_id for line in basket.lines} for basket in kept), walk.here
