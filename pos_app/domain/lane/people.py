"""People at a lane: log in, lock, lend a permission, staff cards."""

from collections.abc import Callable
from dataclasses import replace

from pos_app.domain.errors import refuse
from pos_app.domain.lane.intents import BadgeSeen, Beep, CheckPin, LookUp, PinChecked
from pos_app.domain.lane.state import INFO, Banner, Dialog, LaneState, Person, Step, refused, say
from pos_app.domain.permissions import MANAGER, SELF_CHECKOUT_VISIT, may

WRONG_PINS_MAX = 5


def with_permission(state: LaneState, permission: str, action: str, act: Callable[[LaneState], Step]) -> Step:
    """Do it if the person may, or was lent the permission a moment ago; else ask for somebody who may."""
    if state.approver or (state.person is not None and may(state.person.role, permission)):
        state, effects = act(state)
        return replace(state, approver=""), effects
    return replace(state, dialog=Dialog("approve_number", data=(permission, action))), (Beep("look"),)


def lock(state: LaneState) -> Step:
    """The lane asks who is there; the basket stays."""
    return replace(state, person=None, entry="", dialog=Dialog("login_number"), banner=Banner(INFO, "banner.locked")), ()


def badge_seen(state: LaneState, reply: BadgeSeen) -> Step:
    """A staff card: on self-checkout it opens the staff visit; while numbers are asked it answers that question."""
    dialog = state.dialog
    if dialog is not None and dialog.kind.endswith("_number"):
        kind = dialog.kind.removesuffix("_number") + "_pin"
        return replace(state, dialog=Dialog(kind, data=(reply.staff, dialog.data))), ()
    if dialog is None and state.is_self_checkout:
        return replace(state, dialog=Dialog("visit_pin", data=(reply.staff, None)), banner=None), ()
    return refused(state, refuse("POS-2115"))


def number_typed(state: LaneState, dialog: Dialog) -> Step:
    if not dialog.text:
        return state, ()
    kind = dialog.kind.removesuffix("_number") + "_pin"
    return replace(state, dialog=Dialog(kind, data=(dialog.text, dialog.data))), ()


def pin_typed(state: LaneState, dialog: Dialog) -> Step:
    """The check runs beside the screen (argon2 takes its time); the dialog waits, scans queue."""
    if not dialog.text:
        return state, ()
    purpose = dialog.kind.removesuffix("_pin")
    waiting = replace(dialog, kind=f"{purpose}_wait", text="")
    return replace(state, dialog=waiting), (CheckPin(purpose, dialog.data[0], dialog.text),)


def pin_checked(state: LaneState, reply: PinChecked) -> Step:
    dialog = state.dialog
    if dialog is None or dialog.kind != f"{reply.purpose}_wait":
        return state, ()
    is_blocked = state.wrong_pins >= WRONG_PINS_MAX and reply.role != MANAGER
    if reply.staff is None or is_blocked:
        code = "POS-4008" if is_blocked or state.wrong_pins + 1 >= WRONG_PINS_MAX else "POS-4001"
        again = Dialog(f"{reply.purpose}_number", data=dialog.data[1], refusal=refuse(code))
        if reply.purpose == "visit":
            again = Dialog("visit_pin", data=dialog.data, refusal=refuse(code))
        return replace(state, dialog=again, wrong_pins=state.wrong_pins + 1), (Beep("refused"),)
    state = replace(state, wrong_pins=0, dialog=None)
    return PURPOSES[reply.purpose](state, reply, dialog)


def _logged_in(state: LaneState, reply: PinChecked, dialog: Dialog) -> Step:
    from pos_app.domain.lane.selling import replay_waiting

    state = replace(state, person=Person(reply.staff or "", reply.name, reply.role))
    if state.banner is not None and state.banner.key == "banner.locked":
        state = replace(state, banner=None)
    if state.shift_no is None and not state.is_self_checkout:
        return replace(state, dialog=Dialog("float")), ()
    return replay_waiting(state)


def _approved(state: LaneState, reply: PinChecked, dialog: Dialog) -> Step:
    from pos_app.domain.lane.intents import Press
    from pos_app.domain.lane.machine import press

    permission, action = dialog.data[1]
    if not may(reply.role, permission):
        again = Dialog("approve_number", data=(permission, action), refusal=refuse("POS-4002"))
        return replace(state, dialog=again), (Beep("refused"),)
    state, effects = press(replace(state, approver=reply.staff or ""), Press(action))
    return replace(state, approver=""), effects


def _visit(state: LaneState, reply: PinChecked, dialog: Dialog) -> Step:
    if not may(reply.role, SELF_CHECKOUT_VISIT):
        return say(state, "error", "POS-4002"), (Beep("refused"),)
    visit = Dialog("visit", data=(reply.staff, reply.name, reply.role))
    looks = tuple(LookUp(code) for code in state.waiting)
    return replace(state, needs_help=False, dialog=visit, waiting=()), looks


PURPOSES: dict[str, Callable[[LaneState, PinChecked, Dialog], Step]] = {
    "login": _logged_in,
    "approve": _approved,
    "visit": _visit,
}
