"""The whole chain of programs, killed and cut off: at the end HQ holds every event of both tills exactly once."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.processes import namespaces
from tests.processes.run import NO_CABLE, run
from tests.sync import postgres

SECONDS, SEED = 90, 1
pytestmark = pytest.mark.processes


def need_namespaces() -> bool:
    """CI must have them; elsewhere the proof is a smaller one, and says so."""
    if namespaces.is_possible():
        return True
    if os.environ.get("CI") == "true":
        pytest.fail(NO_CABLE)
    warnings.warn(NO_CABLE, stacklevel=2)
    return False


def test_killed_and_cut_off_everything_is_equal_at_the_end(tmp_path: Path) -> None:
    if postgres.binaries() is None:
        pytest.skip("postgresql is not installed")
    need_namespaces()
    outcome = run(tmp_path, SEED, SECONDS)
    print(outcome)
    assert not outcome.missing
    assert outcome.verdict.is_whole, outcome.verdict
    assert outcome.verdict.paid > 20


LISTEN = "import socket, sys; line = socket.create_server(('0.0.0.0', 8801)); print('ready', flush=True); sys.stdin.read()"
CONNECT = f"import socket; socket.create_connection(('{namespaces.HQ_HOST}', 8801), 5)"


def test_the_cable_does_what_is_asked_of_it() -> None:
    """A link that is down carries nothing; a slow one has its limit at both ends."""
    if not need_namespaces():
        return
    with namespaces.cable(f"lw{os.getpid()}") as cable:
        python, pipe = (sys.executable, "-c"), subprocess.PIPE
        with subprocess.Popen(cable.in_hq(*python, LISTEN), stdin=pipe, stdout=pipe, text=True) as listener:
            assert listener.stdout is not None and listener.stdout.readline() == "ready\n"

            def connects() -> bool:
                return subprocess.run(cable.in_shop(*python, CONNECT), capture_output=True).returncode == 0

            assert connects()
            cable.pull()
            assert not connects()
            cable.plug()
            cable.narrow()
            assert connects() and _limits(cable) == (True, True)
            cable.widen()
            assert connects() and _limits(cable) == (False, False)
            listener.communicate("")


def _limits(cable: namespaces.Cable) -> tuple[bool, ...]:
    """Whether the shop's end and HQ's are limited to 64 kbit/s."""
    ends = ((cable.in_shop, "wan0"), (cable.in_hq, "wan1"))
    shown = [subprocess.run(where("tc", "qdisc", "show", "dev", end), capture_output=True, text=True) for where, end in ends]
    return tuple("64Kbit" in one.stdout for one in shown)
