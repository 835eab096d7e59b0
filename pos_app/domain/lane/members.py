"""A member at the lane: by phone (earns) or by card (earns and spends); prices and points show at once."""

from dataclasses import replace

from pos_app.domain.basket import DetachMember
from pos_app.domain.lane.intents import Beep, FindMember, LookUpSku, MemberFound
from pos_app.domain.lane.offers import answered, why_not
from pos_app.domain.lane.selling import replay_waiting
from pos_app.domain.lane.state import INFO, Dialog, LaneState, Step, change, cleared, refused, say

MEMBER_MENU = ("other_member", "detach")


def press(state: LaneState, action: str) -> Step:
    """F3: a phone number or a card; with a member attached, another one or none."""
    refusal = why_not(state)
    if refusal is not None:
        return refused(state, refusal)
    if state.basket.member is None:
        return replace(cleared(state), dialog=Dialog("member")), ()
    return replace(cleared(state), dialog=Dialog("member_of", rows=MEMBER_MENU)), ()


def phone_typed(state: LaneState, dialog: Dialog) -> Step:
    return (state, (FindMember(dialog.text),)) if dialog.text else (state, ())


def member_found(state: LaneState, reply: MemberFound) -> Step:
    """Attach: prices, points and the member's row change at once."""
    refusal = why_not(state)
    if refusal is not None:
        return refused(state, refusal)
    state, effects = change(replace(state, banner=None, last_sale=None), reply.attach)
    state, more = answered(say(state, INFO, "banner.member", label=reply.attach.label))
    if state.is_self_checkout and reply.usual and state.dialog is None and not more and not state.basket.lines:
        state = replace(state, dialog=Dialog("usual", rows=reply.usual))
    return state, (*effects, Beep("done"), *more)


def menu(state: LaneState, dialog: Dialog) -> Step:
    if dialog.rows[dialog.cursor] == "other_member":
        return replace(state, dialog=Dialog("member")), ()
    return detach(replace(state, dialog=None))


def detach(state: LaneState) -> Step:
    """The shopper goes on as a stranger; coupons stay, points go."""
    state, effects = change(state, DetachMember())
    state, more = replay_waiting(say(state, INFO, "banner.member_gone"))
    return state, (*effects, Beep("done"), *more)


def take_usual(state: LaneState, dialog: Dialog) -> Step:
    """One of the usual goods, chosen instead of scanned."""
    return replace(state, dialog=None), (LookUpSku(dialog.rows[dialog.cursor].item.sku),)
