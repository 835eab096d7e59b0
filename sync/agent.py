"""The agent's steps: push, pull, hello, prove. Each does one small thing, may end at any point, and says when to go on.

Nothing waits in here; `sync.run_agent` is the loop of a process. Push and pull have budgets of their own, so neither waits
for the other. No transaction is open while HQ is asked.
"""

import random
from collections.abc import Callable

from store_db import sync_state
from store_db.store import Store
from sync import days, fork, hello, prove, pull, push, status
from sync.apply import Takers
from sync.link import Link, Refused, Unreachable, Untrusted
from sync.protocol import EVENTS_MAX, FORK, FROZEN, TOO_LARGE, UNSIGNED
from sync.push import Astray, OtherGeneration
from sync.retry import LINE_DOWN_MAX_MS, MAX_MS, Budget, wait_ms
from sync.status import SyncStatus
from sync.step import HQ_KEY, NOT_ENROLLED, UNREACHABLE, Step

NOTE_EVERY_MS = 10_000  # a contact is written down at most so often: each is a commit
HELD_ELSEWHERE, NO_BASE = "held", "base"  # HQ's details: other chains hold these events; what a branch stands on is gone


class Agent:
    """One store's agent over one link. `takers`: what rows of topics do here; without them they are only kept."""

    def __init__(self, store: Store, link: Link, *, random: random.Random, takers: Takers | None = None) -> None:
        self.store = store
        self.link = link
        self._takers = takers or {}
        self._random = random
        self._push, self._pull = Budget(random), Budget(random)
        self._is_greeted = False
        self._ahead = push.Ahead()
        self._events_max = EVENTS_MAX
        self._strays = 0  # batches in a row that HQ's chain had no place for

    def push_once(self) -> Step:
        """Say hello if it is due, then offer one batch. `done`: events acknowledged."""
        return self._step(self._push, self._greet_and_push)

    def pull_once(self, wait_ms: int = 0, pause: pull.Pause = pull.no_pause) -> Step:
        """One page of each topic; HQ may keep the answer `wait_ms` until there is something. `done`: rows that came."""
        return self._step(self._pull, lambda: pull.pull_page(self.store, self.link, self._takers, wait_ms=wait_ms, pause=pause))

    def hello(self) -> Step:
        """Hear how HQ is, and go back where it lacks something."""
        return self._step(self._push, self._greet)

    def prove_once(self) -> Step:
        """Compare all chains with HQ up to their marks. Trouble SYNC-UNEQUAL when they differ."""
        return self._step(self._push, self._prove)

    def prove_days_once(self) -> Step:
        """Have HQ's statements of finished days. Trouble SYNC-UNEQUAL when one does not hold what the journal has."""
        return self._step(self._push, lambda: days.prove_days(self.store, self.link))

    def status(self) -> SyncStatus:
        """What people are shown."""
        return status.status(self.store)

    # -------------------------------------------------------------- each in turn

    def _greet_and_push(self) -> Step:
        if not self._is_greeted:
            self._greet()
        try:
            step = push.push_batch(self.store, self.link, self._events_max, self._ahead)
        except (Astray, OtherGeneration) as stray:
            self._return_from(stray)
            return self._again()
        if step.more and not step.done:  # another agent moved the mark, or HQ speaks of another history
            return self._again()
        self._strays = 0
        return step

    def _greet(self) -> Step:
        self._is_greeted = False
        self._is_greeted = hello.greet(self.store, self.link)
        return Step(more=not self._is_greeted)

    def _return_from(self, stray: Astray | OtherGeneration) -> None:
        """HQ has the chain otherwise: find out how."""
        if isinstance(stray, OtherGeneration):
            self._is_greeted = False
            return
        problem = stray.problem
        if problem.detail == HELD_ELSEWHERE and problem.mark is not None:
            fork.pass_over(self.store, stray.chain, problem.mark)
        elif problem.mark is not None and (problem.code == FORK or problem.detail == NO_BASE):
            fork.settle(self.store, self.link, stray.chain, problem.mark)
        else:
            self._is_greeted = False

    def _again(self) -> Step:
        """Try again at once; from the second time in a row on, after a wait."""
        self._strays += 1
        wait = wait_ms(self._strays, self._random.random()) if self._strays > 1 else 0
        return Step(more=not wait, wait_ms=wait)

    def _prove(self) -> Step:
        step = prove.prove(self.store, self.link)
        if step.trouble:
            self._is_greeted = False
        return step

    # -------------------------------------------------------------- what can go wrong

    def _step(self, budget: Budget, work: Callable[[], Step]) -> Step:
        """Do something, and make a Step of whatever comes of it."""
        if sync_state.hq(self.store.connection) is None:
            return Step(wait_ms=LINE_DOWN_MAX_MS, trouble=NOT_ENROLLED)
        try:
            step = work()
        except Unreachable as error:
            trouble = HQ_KEY if isinstance(error, Untrusted) else UNREACHABLE
            self._note_silence(trouble)
            max_ms = LINE_DOWN_MAX_MS if error.is_line_down else MAX_MS
            return Step(wait_ms=budget.failed(error.retry_after_s, max_ms), trouble=trouble)
        except Refused as error:
            return self._refused(budget, error)
        budget.succeeded()
        self._events_max = min(EVENTS_MAX, self._events_max * 2)
        self._note_contact()
        return step

    def _refused(self, budget: Budget, error: Refused) -> Step:
        """HQ said no: nothing is lost, and it is asked again later."""
        code = error.problem.code
        if code == TOO_LARGE and self._events_max > 1:
            self._events_max //= 2
            return Step(more=True)
        self._note_contact(is_frozen=code in (FROZEN, UNSIGNED))  # unsigned: another machine enrolled under this id
        return Step(wait_ms=budget.failed(error.problem.retry_after_s), trouble=code)

    def _note_contact(self, is_frozen: bool = False) -> None:
        """HQ answered; written down when that says something new."""
        known, now_ms = sync_state.hq(self.store.connection), self.store.clock.wall_ms()
        if known is None:
            return
        is_recent = 0 <= now_ms - known.contact_ms < NOTE_EVERY_MS and not sync_state.failing_since(self.store.connection)
        if is_recent and (known.frozen or not is_frozen):
            return
        with self.store.transaction() as connection:
            sync_state.note_contact(connection, now_ms)
            if is_frozen:
                sync_state.set_frozen(connection, True)

    def _note_silence(self, why: str) -> None:
        """HQ did not answer: since when is written down once."""
        if not sync_state.failing_since(self.store.connection):
            with self.store.transaction() as connection:
                sync_state.note_run(connection, sync_state.LINE, self.store.clock.wall_ms(), why)
