"""What one step of the agent did, and when the next one is due."""

from typing import NamedTuple

# troubles that no HQ answers with; all others are the refusals of sync.protocol
UNREACHABLE, NOT_ENROLLED, HQ_KEY, UNEQUAL = "SYNC-UNREACHABLE", "SYNC-NOT-ENROLLED", "SYNC-HQ-KEY", "SYNC-UNEQUAL"
OTHER_HQ = "SYNC-OTHER-HQ"  # who answers an enrolment has not the key that a person was told


class Step(NamedTuple):
    """`done`: events or rows; `more`: go on at once; else wait `wait_ms`. `trouble`: a code, empty where all went well."""

    done: int = 0
    more: bool = False
    wait_ms: int = 0
    trouble: str = ""
