"""The lane: a pure state machine, `step(state, intent) -> (state, effects)`.

Keys, scans, touch, `--plain`, the headless day and the tests all make intents. Effects are what the lane wants from the
world (a look-up, a commit, a beep); whoever runs the lane carries them out in order and feeds their replies back in.
"""

from pos_app.domain.lane.machine import step
from pos_app.domain.lane.state import LaneConfig, LaneState, start

__all__ = ["LaneConfig", "LaneState", "start", "step"]
