#!/bin/sh
# Makes .venv-bench with django-oscar, which `make bench` prices the same baskets with. Nothing else needs it.

set -eu
cd "$(dirname "$0")/.."
lock=bench/oscar-requirements.txt
stamp=.venv-bench/.oscar
if [ -f "$stamp" ] && [ "$stamp" -nt "$lock" ]; then exit 0; fi
printf '%s\n' "bench: django-oscar into .venv-bench" >&2
[ -x .venv-bench/bin/python ] || .venv/bin/python -m venv .venv-bench
if [ ! -x .tools/bin/uv ] || ! .tools/bin/uv pip sync -q --python .venv-bench/bin/python --require-hashes "$lock" 2>/dev/null; then
    .venv-bench/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
fi
touch "$stamp"
