"""Help from data: the key table of the screen that asks, with the texts of its actions."""

from pos_app.domain.lane.state import PAYMENT, LaneState
from pos_app.tui.keys import key_label
from pos_app.tui.view import View, say

LEFT_OUT = frozenset({"enter", "quit"})


def context_of(state: LaneState) -> str:
    """Which part of the key table holds on this screen."""
    if state.is_self_checkout:
        return "sco"
    return "payment" if state.phase == PAYMENT else "selling"


def help_rows(state: LaneState, view: View) -> list[tuple[str, str]]:
    """(keys, what they do), each action once, in the order of the table."""
    keys_of: dict[str, list[str]] = {}
    for table in (view.keys[context_of(state)], view.keys["any"]):
        for key, action in table.items():
            if action not in LEFT_OUT:
                keys_of.setdefault(action, []).append(key_label(key))
    rows = [(" ".join(keys[:2]), say(state, f"key.{action}")) for action, keys in keys_of.items()]
    if context_of(state) == "payment":
        rows.insert(0, ("0-9 .", say(state, "key.cash")))
    return rows
