"""Who is killed and what the line does, one blow after the other, and how it ends."""

import random
import time
from collections.abc import Callable, Iterator
from functools import partial

from sync.hq_server.database import Database
from tests.processes.deck import dealt
from tests.processes.verdict import Verdict, judge, prove
from tests.processes.world import World, wait_for_nodes

KILLED = ("till1", "till2", "agent1", "agent2", "hub", "hq1", "hq2", "postgresql")
CABLE = ("link down", "slow link")
LINE = ("line down", "line stalls", "line calm")
FATES = ("cut_up", "cut_down", "slow", "half_open")
Blow = Callable[[World, random.Random], None]


def blows(world: World) -> dict[str, Blow]:
    """What can happen, by name."""
    found: dict[str, Blow] = {name: partial(_kill, name) for name in world.processes if name != "wan"}
    found |= {"postgresql": _crash, "line down": partial(_weather, "down")}
    found |= {"line stalls": partial(_weather, "stall"), "line calm": partial(_weather, "calm")}
    if world.cable:
        found |= {"link down": _pull, "slow link": _narrow}
    return found


def trouble(world: World, seed: int, seconds: float) -> None:
    """Until the time is over and everything has happened that must; at most twice as long."""
    chance, began = random.Random(f"trouble:{seed}"), time.monotonic()
    world.processes["wan"].tell("rough")
    for name, blow in dealt(list(blows(world).items()), chance):
        spent = time.monotonic() - began
        if spent > seconds and (spent > 2 * seconds or not missing(world)):
            return
        time.sleep(chance.uniform(0.2, 1.5))
        blow(world, chance)
        world.befell[name] += 1
        for process in world.processes.values():
            process.must_run()


def missing(world: World) -> list[str]:
    """What should have happened and has not."""
    wanted = (*KILLED, *LINE, *FATES, *(CABLE if world.cable else ()))
    return sorted({*wanted} - {*world.befell, *world.told("wan", "fate")})


def _kill(name: str, world: World, chance: random.Random) -> None:
    process = world.processes[name]
    process.kill()
    time.sleep(chance.uniform(0, 1))
    process.start()
    time.sleep(0.1)


def _crash(world: World, chance: random.Random) -> None:
    """PostgreSQL is gone for a while; HQ, which begins only where there is a database, is up and stays up."""
    wait_for_nodes(world)
    world.cluster.crash()
    time.sleep(chance.uniform(0, 2))
    world.cluster.start()


def _pull(world: World, chance: random.Random) -> None:
    assert world.cable is not None
    world.cable.pull()
    time.sleep(chance.uniform(0.5, 3))
    world.cable.plug()


def _narrow(world: World, chance: random.Random) -> None:
    assert world.cable is not None
    world.cable.narrow()
    time.sleep(chance.uniform(0.5, 3))
    world.cable.widen()


def _weather(word: str, world: World, chance: random.Random) -> None:
    """Other weather for a while; else it is rough."""
    wan = world.processes["wan"]
    wan.tell(word)
    time.sleep(chance.uniform(0.5, 3))
    wan.tell("rough")


def settle(world: World, seconds: float) -> Verdict:
    """The tills stop, the line is good again: the verdict as soon as everything is equal, or when the time is over."""
    for name in ("till1", "till2"):
        world.processes[name].kill()
    world.processes["wan"].tell("calm")
    database = Database.open(world.database_url)
    try:
        for verdict in _verdicts(world, database, seconds):
            if verdict.is_whole:
                break
        verdict.unequal += prove(database, world.hub_url)
        return verdict
    finally:
        database.close()


def _verdicts(world: World, database: Database, seconds: float) -> Iterator[Verdict]:
    """One a second until the time is over, at least one."""
    until, paid = time.monotonic() + seconds, world.told("till", "paid")
    yield judge(database, world.stores, paid)
    while time.monotonic() < until:
        time.sleep(1)
        yield judge(database, world.stores, paid)
