"""Every choice of columns that loses little enough, each once."""

from collections.abc import Iterator
from heapq import heappop, heappush

from pos_app.domain.pricing.packing_paths import Paths
from pos_app.domain.pricing.packing_prices import Column

Steps = list[tuple[int, int, Column | None]]  # (loss of the step, state behind it, column)


def every_way(paths: Paths) -> Iterator[list[Column]]:
    """All choices that lose `paths.loss_max` at most, which may be lowered on the way; effort may end them early."""
    steps = _all_steps(paths)
    ahead = _least_ahead(paths, steps)
    place = {column: n for n, column in enumerate(dict.fromkeys(step[2] for found in steps.values() for step in found))}
    waiting: list[tuple[int, int, list[Column], tuple[int, int]]] = [(0, paths.start, [], (-1, 0))]
    while waiting and paths.effort.spend(1):
        loss, state, picked, last = waiting.pop()
        if loss + ahead.get(state, paths.loss_max + 1) > paths.loss_max:
            continue
        if state not in steps:
            yield picked
            continue
        row = paths.row_of(state)
        for more, left, column in reversed(steps[state]):
            if column is None:
                waiting.append((loss + more, left, picked, (row, 0)))
            elif (row, place[column]) >= last or row != last[0]:  # those decided for one row are taken in one order only
                waiting.append((loss + more, left, [*picked, column], (row, place[column])))


def _all_steps(paths: Paths) -> dict[int, Steps]:
    """The steps from every state that a choice may pass through."""
    known: dict[int, int] = {paths.start: 0}
    heap: list[tuple[int, int, int]] = [(0, paths.start, paths.over)]
    steps: dict[int, Steps] = {}
    while heap:
        loss, state, over = heappop(heap)
        if state in steps or not state & paths.unit_bits:
            continue
        found = paths.next_steps(loss, state, over)
        steps[state] = [(total - loss, left, column) for total, left, _, column in found]
        for total, left, rest, _ in found:
            if total < known.get(left, paths.loss_max + 1):
                known[left] = total
                heappush(heap, (total, left, rest))
        if not paths.effort.spend(1 + len(found) // 4):
            break
    return steps


def _least_ahead(paths: Paths, steps: dict[int, Steps]) -> dict[int, int]:
    """What is lost at least from each state to the end. A step makes the number of a state smaller."""
    ahead: dict[int, int] = {}
    never = paths.loss_max + 1
    for state in sorted(steps):
        for _, left, _ in steps[state]:
            if left not in ahead:
                ahead[left] = never if left & paths.unit_bits else paths.unused_sides(left)
        ahead[state] = min([more + ahead[left] for more, left, _ in steps[state]], default=never)
    if not paths.start & paths.unit_bits:
        ahead[paths.start] = paths.unused_sides(paths.start)
    return ahead
