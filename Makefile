# `make demo` and `make test` set everything up by themselves.
PY := .venv/bin/python
ORDERS ?= 50
SEED ?= 7
KILLS ?= 1000
CUTS ?= 2000
FIRST ?= 0
SEEDS ?= 50000
WALKS ?= 1000
WORLDS ?= 20000
RETURNS ?= 1000000
JOBS ?= 2

.PHONY: setup demo lint check test wheel bench bench-oscar soak lock clean

setup:
	@scripts/setup.sh

demo: setup
	@if [ -t 0 ] && [ -t 1 ]; then .venv/bin/pos demo; else .venv/bin/pos demo --headless --orders $(ORDERS) --seed $(SEED); fi

lint: setup
	@$(PY) -m ruff format --check -q . && $(PY) -m ruff check -q . && echo "format and lint: ok"
	@$(PY) -m mypy && .venv/bin/lint-imports --no-logo

check: lint  ## format, lint, types, import contracts, and every test that is quick
	@$(PY) -m pytest -q -n $(JOBS) -m "not kill and not power and not pty and not wheel and not slow and not sim and not processes"

test: setup  ## every test
	@$(PY) -m pytest -q -n $(JOBS)

wheel: setup
	@$(PY) -m pytest -q -m wheel

bench: setup  ## figures beside their baselines; quote ratios, not times
	@scripts/bench_oscar.sh || echo "bench: without django-oscar, it could not be installed"
	@$(PY) -m bench.run

bench-oscar: setup  ## prices beside django-oscar, in an environment of its own
	@scripts/bench_oscar.sh && $(PY) -m bench.run oscar

soak: setup  ## long runs: SEEDS worlds of tills and HQ, WALKS walks of a hub, KILLS kills, CUTS power cuts, WORLDS baskets, RETURNS sales, from seed FIRST
	@$(PY) -m tests.sim.soak --seeds $(SEEDS) --first $(FIRST)
	@$(PY) -m tests.sync.hub.soak --seeds $(WALKS) --first $(FIRST)
	@$(PY) -m tests.kill.soak --kills $(KILLS) --cuts $(CUTS) --sync-cuts $(CUTS) --first $(FIRST)
	@$(PY) -m tests.domain.pricing.soak --n $(WORLDS) --first $(FIRST)
	@$(PY) -m tests.domain.returns_soak --n $(RETURNS) --first $(FIRST)

lock:  ## write requirements.lock anew: names, versions, hashes, no addresses
	@.tools/bin/uv pip compile -q --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
		--python-version 3.11 --extra import --extra hq --group dev pyproject.toml -o requirements.lock
	@echo 'django-oscar>=4.2,<5' | .tools/bin/uv pip compile -q --universal --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --python-version 3.11 - -o bench/oscar-requirements.txt

clean:
	rm -rf .venv .venv-bench .tools dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
