"""Holds one price against the oracle: the key, the legality, everything that follows from the lines.

`judge(world)` is a list of sentences, empty when all is well; `python -m tests.domain.pricing.soak --first 41 --n 1` replays one.
"""

from dataclasses import replace

from pos_app.domain.pricing.checker import check
from pos_app.domain.pricing.engine import price
from pos_app.domain.pricing.model import COUPON, GROUP, SETS, SHELF, STRANGER, Priced
from tests.domain.pricing.oracle import Amounts, Found, Key, every_price
from tests.domain.pricing.oracle_after import After, after
from tests.domain.pricing.oracle_shelf import goods_of
from tests.domain.pricing.worlds import World

TIE = "tie"  # amount and coupons are equal; of many ways to lay sets that come to the same the first one found is kept


def priced_of(world: World) -> Priced:
    return price(world.basket, world.customer, world.package, world.now_ms, world.codes, used=world.used)


def judge(world: World) -> list[str]:
    """Everything that is wrong with the engine's answer to a small world."""
    priced, found = priced_of(world), every_price(world)
    wrong = [] if priced.proved and priced.gap_fen == 0 else [f"not proved, gap {priced.gap_fen}"]
    wrong += _choice(world, priced, found) + sums(priced) + _what_follows(world, priced) + unchecked(world, priced)
    stranger = priced_of(world._replace(customer=STRANGER))
    if priced.after_coupons_fen > stranger.after_coupons_fen:
        wrong.append(f"a member pays {priced.after_coupons_fen}, a stranger {stranger.after_coupons_fen}")
    return wrong


def key_of(priced: Priced) -> Key:
    """The objective of an answer, as its trace tells it."""
    chosen = [one for one in priced.applied if SHELF < one.stage <= COUPON]
    times = {id(one): one.times if one.stage == SETS else 1 for one in chosen}
    return Key(
        priced.after_coupons_fen,
        sum(one.stage == COUPON for one in chosen),
        -sum(one.saving_fen for one in chosen if one.stage == SETS),
        sum(times.values()),
        tuple(sorted(one.promotion for one in chosen for _ in range(times[id(one)]))),
    )


def after_coupons(world: World, priced: Priced) -> Amounts:
    """What each line costs after stage 4, in canonical order: its net, and its shares of points."""
    late = {one.promotion for one in priced.applied if one.stage > COUPON}
    held = {
        line.line_id: line.net_fen + sum(share.fen for share in line.shares if share.promotion in late) for line in priced.lines
    }
    return tuple(held[one.line.line_id] for one in goods_of(world.basket.lines))


def _choice(world: World, priced: Priced, found: Found) -> list[str]:
    key, amounts = key_of(priced), after_coupons(world, priced)
    if amounts not in found.every:
        return [f"illegal: {amounts} with {key}; best {found.best} {sorted(found.amounts)}"]
    if key[:2] != found.best[:2]:
        return [f"engine {key}, oracle {found.best}"]
    if key != found.best:
        return [f"{TIE}: engine {key}, oracle {found.best}"]
    return [] if amounts in found.amounts else [f"lines {amounts} are not those of {found.best}: {sorted(found.amounts)}"]


def sums(priced: Priced) -> list[str]:
    """Shares and lines add up, and no line is below zero."""
    wrong = []
    if (
        sum(line.net_fen for line in priced.lines) != priced.total_fen
        or priced.list_fen - priced.discount_fen != priced.total_fen
    ):
        wrong.append("the lines do not add up to the total")
    if any(line.net_fen < 0 or line.net_fen > line.list_fen for line in priced.lines):
        wrong.append(f"a line is below zero or above its list price: {priced.lines}")
    for line in priced.lines:
        from_shelf = line.saving_fen - sum(share.fen for share in line.shares)
        if from_shelf < 0 or (from_shelf and line.source not in ("promo", "member", "label", "promotion")):
            wrong.append(f"line {line.line_id}: {from_shelf} of its saving has no name")
    for one in priced.applied:
        if sum(share.fen for share in one.shares) != one.saving_fen or (GROUP <= one.stage <= COUPON and one.saving_fen <= 0):
            wrong.append(f"shares and saving of {one.promotion} differ, or it saves nothing")
    return wrong


def _what_follows(world: World, priced: Priced) -> list[str]:
    """Stages 5 to 9 on what the engine itself left after stage 4."""
    expected = sorted_out(after(world, after_coupons(world, priced)))
    nets = {line.line_id: line.net_fen for line in priced.lines}
    got = expected._replace(
        total_fen=priced.total_fen,
        amounts=tuple(nets[one.line.line_id] for one in goods_of(world.basket.lines)),
        points_spent=priced.points_spent,
        points_earned=priced.points_earned,
        gifts=tuple(sorted((gift.promotion, gift.sku, gift.quantity) for gift in priced.gifts)),
        events=tuple(sorted((raised.promotion, raised.event) for raised in priced.raised)),
        rewards=tuple(sorted((reward.promotion, reward.coupon, reward.quantity) for reward in priced.rewards)),
        stamps=tuple(sorted((stamps.promotion, stamps.stamps, stamps.full) for stamps in priced.stamps)),
    )
    return [] if got == expected else [f"stages 5 to 9: engine {got}, oracle {expected}"]


def unchecked(world: World, priced: Priced) -> list[str]:
    """What the checker says against the trace."""
    rest = world.customer, world.package, world.now_ms, world.codes, world.used
    return [f"checker: {sentence}" for sentence in check(world.basket, *rest, priced)]


def sorted_out(found: After) -> After:
    """In no particular order."""
    return found._replace(
        gifts=tuple(sorted(found.gifts)),
        events=tuple(sorted(found.events)),
        rewards=tuple(sorted(found.rewards)),
        stamps=tuple(sorted(found.stamps)),
    )


def without(world: World, promotion: str) -> World:
    kept = tuple(p for p in world.package.promotions if p.id != promotion)
    return world._replace(package=world.package._replace(promotions=kept))


def smaller(world: World, like: str) -> World:
    """The world with every promotion and line left out that it can be wrong without, in the same words at the beginning."""

    def still(fewer: World) -> bool:
        return any(sentence.startswith(like) for sentence in judge(fewer))

    for p in world.package.promotions:
        if still(fewer := without(world, p.id)):
            return smaller(fewer, like)
    for line in world.basket.lines:
        rest = tuple(one for one in world.basket.lines if one is not line)
        if still(fewer := world._replace(basket=replace(world.basket, lines=rest))):
            return smaller(fewer, like)
    return world
