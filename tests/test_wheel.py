"""The built wheel, in a clean environment outside the tree: nothing resolves from the working directory by luck."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shop_kit import ROOT

pytestmark = pytest.mark.wheel


def run(*command: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, env=env)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def pos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pos` as a chain's engineer installs it."""
    folder = tmp_path_factory.mktemp("clean")
    uv = shutil.which("uv", path=f"{ROOT / '.tools/bin'}:{os.environ['PATH']}")
    if uv:
        run(uv, "build", "-q", "--wheel", "--out-dir", folder, ROOT, cwd=folder)
        run(uv, "venv", "-q", "--python", sys.executable, folder / "env", cwd=folder)
        run(uv, "pip", "install", "-q", "--python", folder / "env/bin/python", *folder.glob("*.whl"), cwd=folder)
    else:
        run(sys.executable, "-m", "venv", folder / "env", cwd=folder)
        run(folder / "env/bin/pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, cwd=folder)
        run(folder / "env/bin/pip", "install", "-q", *folder.glob("*.whl"), cwd=folder)
    return folder / "env/bin/pos"


def test_a_five_order_day_runs_from_the_wheel_alone(pos: Path, tmp_path: Path):
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = (pos, "demo", "--headless", "--orders", "5", "--seed", "3", "--json", "--store", tmp_path / "shop.sqlite")
    day = json.loads(run(*command, cwd=tmp_path, env=env))
    assert (day["orders"], day["verify"]) == (5, "ok")
    proof = json.loads(run(pos, "verify", "--json", "--store", tmp_path / "shop.sqlite", cwd=tmp_path, env=env))
    assert proof["verify"] == "ok" and proof["chain_head"] == day["chain_head"]


def test_the_licence_and_the_notice_of_the_goods_are_in_the_wheel(pos: Path):
    inside = sorted(str(path) for path in pos.parent.parent.rglob("*") if "lanewise" in str(path) or path.name == "NOTICE.md")
    assert any(name.endswith("LICENSE") for name in inside)
    assert any(name.endswith("NOTICE.md") for name in inside)
