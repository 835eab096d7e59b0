"""The hub's two threads towards HQ, beside the server that answers its tills: one tells, one listens. Killed at any moment."""

import logging
import random
import threading
import time
from collections.abc import Callable

from pos_app.domain.errors import BadInput, StoreError
from sync.hq_server import relay, relay_marks
from sync.hq_server.hq import Hq
from sync.hq_server.relay import Relay
from sync.link import Refused, Unreachable, Untrusted, client
from sync.retry import LINE_DOWN_MAX_MS, Budget
from sync.step import HQ_KEY, OTHER_HQ, Step

log = logging.getLogger("lanewise.hub")
LOOK_EVERY_S = 0.5  # for events that tills have told
PULL_WAIT_MS = 20_000  # HQ keeps an empty answer so long
HELLO_EVERY_S = 300  # HQ may have been restored meanwhile


def prepare(hq: Hq, url: str, store: str, code: str, hq_key: str = "") -> None:
    """Make this server a hub that HQ knows; nothing to do where it is one. Raises BadInput POS-7107 with what is missing,
    and StoreError POS-7013 when an HQ answers that has not the key whose id is `hq_key`."""
    with hq.database.read() as connection:
        us = relay_marks.us(connection)
    if us is None and not store:
        raise BadInput("POS-7107", detail="--shop")
    if us is None:
        relay.found(hq, store)
    if (us is None or not us.hq_key) and not code:
        raise BadInput("POS-7107", detail="--code")
    if us is None or not us.hq_key:
        try:
            with client(url) as line:
                relay.enrol(hq, line, code, hq_key)
        except (Refused, Unreachable) as error:
            if isinstance(error, Refused) and error.problem.code == OTHER_HQ:
                raise StoreError("POS-7013") from error
            raise BadInput("POS-7107", detail=str(error)) from error


class Relaying:
    """Both threads, from start to end."""

    def __init__(self, hq: Hq, url: str) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(work, hq, url), name=work.__name__, daemon=True) for work in (tell, listen)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Whatever is under way is whole or not done."""
        self._stop.set()

    def _work(self, work: "Callable[[Relay], Step]", hq: Hq, url: str) -> None:
        budget, greeted_s = Budget(random.SystemRandom()), time.monotonic()
        with client(url) as line:
            one = Relay(hq, line)
            while not self._stop.is_set():
                if time.monotonic() - greeted_s > HELLO_EVERY_S:
                    one.greet_again()
                    greeted_s = time.monotonic()
                step = attempt(work, one, budget)
                if not step.more:
                    self._stop.wait(max(step.wait_ms / 1000, LOOK_EVERY_S))


def attempt(work: "Callable[[Relay], Step]", one: Relay, budget: Budget) -> Step:
    """One step, with what can go wrong: nothing is lost by any of it."""
    try:
        step = work(one)
    except Untrusted as error:
        log.warning("an answer that HQ did not sign: %s", error)
        return Step(wait_ms=budget.failed(), trouble=HQ_KEY)
    except Unreachable as error:
        return Step(wait_ms=budget.failed(error.retry_after_s, LINE_DOWN_MAX_MS))
    except Refused as error:
        log.warning("HQ refused the hub: %s", error)
        return Step(wait_ms=budget.failed(error.problem.retry_after_s), trouble=error.problem.code)
    except Exception:  # a full disk, rows that no HQ sends: nothing is half done, and the shop has no other line
        log.exception("the line to HQ")
        return Step(wait_ms=budget.failed())
    if step.trouble:
        return step._replace(wait_ms=max(step.wait_ms, budget.failed()))
    budget.succeeded()
    return step


def tell(one: Relay) -> Step:
    return one.relay_once()


def listen(one: Relay) -> Step:
    return one.pull_once(PULL_WAIT_MS)
