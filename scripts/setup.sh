#!/bin/sh
# Makes .venv with everything the project needs. Root or not, with or without python3-venv; says plainly what is missing.

set -eu
cd "$(dirname "$0")/.."
stamp=".venv/.lanewise"
if [ -f "$stamp" ] && [ "$stamp" -nt requirements.lock ] && [ "$stamp" -nt pyproject.toml ]; then exit 0; fi
step() { printf '%s\n' "setup: $*" >&2; }

python=""
for candidate in ${PYTHON:-} python3.11 python3 python3.12 python3.13 python3.14; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
        python=$candidate; break
    fi
done
if [ -z "$python" ]; then
    step "Python 3.11 to 3.14 is needed. On Debian: apt-get install python3 python3-venv"; exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        step "1/4 installing python3-venv"
        apt-get update -qq >&2 || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >&2
    else
        step "Python has no venv module. Ask an administrator for: apt-get install python3-venv"; exit 1
    fi
fi
step "2/4 virtual environment with $("$python" --version)"
[ -x .venv/bin/python ] || "$python" -m venv .venv

lock=requirements.lock
step "3/4 installing $(grep -c '==' $lock) pinned packages"
uv=""
if [ -x .tools/bin/uv ] || { "$python" -m venv .tools && .tools/bin/pip install -q --disable-pip-version-check uv==0.13.9 2>/dev/null; }; then
    uv=.tools/bin/uv
fi
if [ -z "$uv" ] || ! "$uv" pip sync -q --python .venv/bin/python --require-hashes "$lock" 2>/dev/null; then
    step "    (with pip: uv is not to be had here)"
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
fi
step "4/4 lanewise itself"
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$PWD" > "$site/lanewise-here.pth"
cat > .venv/bin/pos <<EOF
#!$PWD/.venv/bin/python
import sys
from pos_app.cli import main
sys.exit(main())
EOF
chmod +x .venv/bin/pos
.venv/bin/pos --version >&2
touch "$stamp"
