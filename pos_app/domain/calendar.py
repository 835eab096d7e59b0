"""Business dates: the day a sale belongs to, from the shop's zone and cut-off."""

import datetime


def business_date(wall_ms: int, utc_offset_min: int, cutoff_hour: int) -> str:
    """The business date of a moment as `YYYY-MM-DD`: the local day, which ends at the cut-off hour.

    With the cut-off at 4 a sale at 00:01 local time on the 2nd belongs to the 1st.
    """
    local_s = wall_ms // 1000 + utc_offset_min * 60 - cutoff_hour * 3600
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=local_s // 86_400)).isoformat()


def local_clock(wall_ms: int, utc_offset_min: int) -> str:
    """Local time of day, `HH:MM:SS`."""
    second = (wall_ms // 1000 + utc_offset_min * 60) % 86_400
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def local_stamp(wall_ms: int, utc_offset_min: int) -> str:
    """Local date and time, `YYYY-MM-DD HH:MM:SS`."""
    return f"{business_date(wall_ms, utc_offset_min, 0)} {local_clock(wall_ms, utc_offset_min)}"
