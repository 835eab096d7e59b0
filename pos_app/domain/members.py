"""Members: phone numbers as they are compared and shown, and the week of a birthday. Nothing here is stored or sent."""

import datetime
import re

PHONE = re.compile(r"1[3-9]\d{9}", re.ASCII)
FEBRUARY_29 = (2, 29)


def plain_phone(text: str) -> str | None:
    """A mobile number as its eleven digits, or None. "+86 138 0000 0001" is 13800000001."""
    digits = re.sub(r"[\s()-]", "", text)
    digits = re.sub(r"^(\+|00)86", "", digits)
    return digits if PHONE.fullmatch(digits) else None


def mask_phone(phone: str) -> str:
    """138****0001."""
    return f"{phone[:3]}****{phone[-4:]}"


def member_label(name: str, phone: str) -> str:
    """What a lane shows of a member: 林* 0001."""
    return f"{name[:1]}* {phone[-4:]}"


def in_birthday_week(month: int, day: int, date: str) -> bool:
    """Whether a birthday lies in the week (Monday to Sunday) of a date. Born on 2 January: 30 December 2026 is in its week.

    29 February is kept on 28 February where there is none.
    """
    today = datetime.date.fromisoformat(date)
    monday = today - datetime.timedelta(days=today.weekday())
    week = [monday + datetime.timedelta(days=n) for n in range(7)]
    return any(_kept(month, day, one.year) == (one.month, one.day) for one in week)


def _kept(month: int, day: int, year: int) -> tuple[int, int]:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (2, 28) if (month, day) == FEBRUARY_29 and not is_leap else (month, day)
