"""Rules of the hub, each taken out once: a pinned walk then finds the damage, so the walks can see what they are for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from store_db import drafts, hand_over
from sync import hand_over as hand_over_of_agent
from sync.hq_server import hub, hub_facts, hub_memory
from tests.sync.hub.test_walks import Walk

Patch = pytest.MonkeyPatch


def no_hand_over_is_asked_for(patch: Patch) -> None:
    patch.setattr(hub, "_handed_over", lambda asked, device: "")


def a_basket_that_was_handed_over_stays_at_its_till(patch: Patch) -> None:
    patch.setattr(drafts, "give_away", lambda connection, draft_id: None)


def a_till_decides_on_what_it_handed_over(patch: Patch) -> None:
    patch.setattr(hand_over, "is_handed_over", lambda connection, what, name: False)


def a_fetched_basket_is_not_remembered(patch: Patch) -> None:
    facts = hub_facts._facts
    patch.setattr(hub_facts, "_facts", lambda event: (fact for fact in facts(event) if fact[0] != hub_facts.FETCHED))


def a_hub_that_starts_grants_at_once(patch: Patch) -> None:
    patch.setattr(hub_memory, "current_run", lambda connection, store: "")
    patch.setattr(hand_over_of_agent, "hub_run", lambda connection: "")


@pytest.mark.parametrize(
    ("mutation", "seed"),
    [
        (no_hand_over_is_asked_for, 3),
        (a_basket_that_was_handed_over_stays_at_its_till, 3),
        (a_till_decides_on_what_it_handed_over, 14),
        (a_fetched_basket_is_not_remembered, 32),
        (a_hub_that_starts_grants_at_once, 14),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_rule_that_is_taken_out_is_missed(
    tmp_path: Path, monkeypatch: Patch, mutation: Callable[[Patch], None], seed: int
) -> None:
    mutation(monkeypatch)
    with pytest.raises(AssertionError):
        Walk(tmp_path, seed).play()
