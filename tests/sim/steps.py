"""What can happen next: ordinary work, and the faults of the world. A step is a name, a weight and a function of the world."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from pos_app.domain.coupons import Issue, make_code
from sync.agent import Agent
from tests.sim import facts

if TYPE_CHECKING:
    from tests.sim.machine import Machine
    from tests.sim.world import World

MACHINES_MAX = 5
POINTS_CAP = 50  # what one life of a till lets a member spend while cut off
COUPON = make_code(
    bytes(32), "S001", "welcome", Issue("HQ", "AAAA", 1, 0, "2027-12-31")
)  # single use: no till knows that another one took it


def sell(world: World, machine: Machine) -> None:
    facts.sell(machine.store, machine.luck, points=machine.luck.choice((0, 0, 0, 9)))


def give_back(world: World, machine: Machine) -> None:
    facts.give_back(machine.store, machine.luck)


def deliver(world: World, machine: Machine) -> None:
    facts.deliver(machine.store, machine.luck)


def push(world: World, machine: Machine) -> None:
    machine.run(Agent.push_once)


def pull(world: World, machine: Machine) -> None:
    machine.run(Agent.pull_once)


def hello(world: World, machine: Machine) -> None:
    machine.run(Agent.hello)


def prove(world: World, machine: Machine) -> None:
    machine.run(Agent.prove_once)


def restart(world: World, machine: Machine) -> None:
    machine.store.close()
    machine.start()


def publish(world: World, machine: Machine) -> None:
    """A few rows of a topic: new ones, changed ones, tombstones, for all stores or for one."""
    luck = world.luck
    rows = []
    for _ in range(luck.choice((1, 2, 7))):
        body = None if luck.random() < 0.2 else json.dumps({"n": luck.randrange(1000)}, separators=(",", ":")).encode()
        rows.append((luck.choice(("", machine.store.device.store)), f"k{luck.randrange(12)}", body))
    world.hq.publish(luck.choice(world.topics), rows)


def type_code(world: World, machine: Machine) -> None:
    """Somebody in the shop reads that the till wants a code."""
    if machine.needs_code():
        machine.enrol_anew()


def late(world: World, machine: Machine) -> None:
    """A delayed request arrives after all; nobody waits for its answer."""
    if world.late:
        world.deliver_late(world.luck.randrange(len(world.late)))


ORDINARY: dict[str, tuple[float, Callable[[World, Machine], None]]] = {
    "sell": (24, sell),
    "give_back": (4, give_back),
    "deliver": (2, deliver),
    "push": (26, push),
    "pull": (8, pull),
    "hello": (4, hello),
    "prove": (3, prove),
    "restart": (1, restart),
    "publish": (5, publish),
    "late": (4, late),
    "type_code": (6, type_code),
}


def power_cut(world: World, machine: Machine) -> None:
    machine.restart(is_power_cut=True)


def clock_jump(world: World, machine: Machine) -> None:
    """Minutes, days, or back to the year 2000."""
    machine.clock.offset_ms = world.luck.choice(
        (0, 180_000, -180_000, 86_400_000, -86_400_000, 946_684_800_000 - world.time.now_ms)
    )


def wan_cut(world: World, machine: Machine) -> None:
    machine.is_cut_off = not machine.is_cut_off


def till_backed_up(world: World, machine: Machine) -> None:
    machine.back_up()


def till_restored_detected(world: World, machine: Machine) -> None:
    restore(world, machine, is_detected=True)


def till_restored_undetected(world: World, machine: Machine) -> None:
    restore(world, machine, is_detected=False)


def restore(world: World, machine: Machine, *, is_detected: bool) -> None:
    """The first time a copy is taken, later it is put back; then the lane sells on, perhaps before anyone hears of it."""
    if machine.backup is None:
        machine.back_up()
        return
    machine.put_back(is_detected=is_detected)
    world.lives += 1
    for _ in range(machine.luck.choice((0, 1, 3))):
        machine.luck.choice((sell, sell, same_basket))(world, machine)


def till_cloned_undetected(world: World, machine: Machine) -> None:
    if len(world.machines) < MACHINES_MAX:
        world.clone(machine, is_detected=False)


def till_cloned_detected(world: World, machine: Machine) -> None:
    if len(world.machines) < MACHINES_MAX:
        world.clone(machine, is_detected=True)


def two_agents(world: World, machine: Machine) -> None:
    """A second agent runs on the same file while the first waits for its answer."""
    machine.twin_at_next_request = True
    machine.run(Agent.push_once)
    machine.twin_at_next_request = False


def poison(world: World, machine: Machine) -> None:
    """Bad business data: a sale that does not add up, or a delivery of more than there is."""
    bad = facts.sell(machine.store, machine.luck, is_poison=True) if world.luck.random() < 0.5 else facts.flood(machine.store)
    world.poison.add(bad.header.uid)


def unknown_kind(world: World, machine: Machine) -> None:
    facts.invent(machine.store)


def same_basket(world: World, machine: Machine) -> None:
    """A basket that was open when a copy of the file was taken stands in both files under one uid, and both sell it."""
    uid = machine.basket
    if machine.store.connection.execute("SELECT 1 FROM journal WHERE uid = ?", (uid,)).fetchone() is None:
        facts.sell(machine.store, machine.luck, uid=uid)


def coupon_twice(world: World, machine: Machine) -> None:
    known = machine.store.connection.execute("SELECT 1 FROM coupon_uses WHERE code = ?", (COUPON,)).fetchone()
    if known is None:
        facts.sell(machine.store, machine.luck, coupon=COUPON)


def points_spent_cut_off(world: World, machine: Machine) -> None:
    facts.spend(machine.store, machine.luck, POINTS_CAP)


def day_closed(world: World, machine: Machine) -> None:
    facts.close_day(machine.store)
    world.time.now_ms += 3_600_000


def hq_backed_up(world: World, machine: Machine) -> None:
    world.hq.back_up()


def hq_restored_told(world: World, machine: Machine) -> None:
    if world.hq.backup is None:
        world.hq.back_up()
    else:
        world.hq.restore(is_told=True)


def hq_restored_untold(world: World, machine: Machine) -> None:
    if world.hq.backup is None:
        world.hq.back_up()
    else:
        world.hq.restore(is_told=False)


OF_FAULTS: dict[str, Callable[[World, Machine], None]] = {
    function.__name__: function
    for function in (
        power_cut, clock_jump, wan_cut, till_backed_up, till_restored_detected, till_restored_undetected, till_cloned_undetected,
        till_cloned_detected, two_agents, poison, unknown_kind, same_basket, coupon_twice, points_spent_cut_off, day_closed,
        hq_backed_up, hq_restored_told, hq_restored_untold,
    )
}  # fmt: skip
