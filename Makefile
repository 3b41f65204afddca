# Each command does its own set-up on a machine that has Python 3.11+, make and a package index:
#   make demo      installs the core alone and reads real images and a video
#   make check     before each commit: format, lint, contract, types, unit tests
#   make test      everything
# With CONSTRAINTS=.ci/constraints.txt the packages are those that the tests last ran with.
PYTHON ?= python3
DEMO := .venv-demo
VENV := .venv
LOWEST := .venv-lowest
DATA ?= ../shared/fer2013/fer2013.parquet
EVERYDAY ?= ../shared/everyday/everyday.parquet

PIP = -m pip install --quiet --disable-pip-version-check $(addprefix --constraint ,$(CONSTRAINTS))
TOGETHER = +$(MAKE) --no-print-directory --jobs=2 --output-sync=target
# Hundreds of tests start Python: without what it compiled before, each start takes three times as long, and one that loads torch twelve seconds
# more. Images of containers often forbid it to keep that.
unexport PYTHONDONTWRITEBYTECODE
TESTS := $(VENV)/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: demo check test test-lowest lowest unit integration browser slow coverage soak lint contract types constraints gallery hooks web-lint web-test vectors networks bench bench-page docs docs-check reference models client packages release notebooks clean

demo: $(DEMO)/.ready
	$(DEMO)/bin/python demo/demo.py

# All that needs no other program, network or browser: about three minutes on two cores.
check: $(VENV)/.ready web/node_modules/.ready
	$(TOGETHER) lint contract types
	$(TESTS) -m unit

# With the oldest versions that pyproject.toml allows, in an environment of their own: the unit tests of what packages have a part in, not those of
# mien's own arithmetic, and a real service. LOWEST_TESTS= runs all unit tests. What old packages warn of is no fault here; mcp wants newer
# ones than mien does.
LOWEST_TESTS := src $(addprefix tests/,adoption batch compat data evaluation events explain inference media outlets rules server training) \
	$(wildcard tests/test_*.py)
ON_LOWEST = $(subst $(VENV)/,$(LOWEST)/,$(TESTS)) -W default --ignore=src/mien/mcp --ignore=tests/mcp

test-lowest: $(LOWEST)/.ready
	$(ON_LOWEST) -m unit $(LOWEST_TESTS)
	$(ON_LOWEST) -m integration tests/server/test_images.py tests/server/test_stream.py

# The contract is one of the tests.
test: $(VENV)/.ready web/node_modules/.ready
	$(TOGETHER) lint types web-test
	$(TESTS)

# One lane of the tests; conftest.py says what is in which. Tests of pages keep screenshots here, in artifacts/page.
browser: export MIEN_SHOTS = 1
unit integration browser slow: $(VENV)/.ready
	$(TESTS) -m $@

# Which lines the tests run, also in the programs that they start.
coverage: $(VENV)/.ready
	$(VENV)/bin/python $(PIP) pytest-cov
	$(TESTS) --cov --cov-report=term:skip-covered

# The faults of `make test` for longer: 200 runs each of analyze, batch, train and serve, killed at random moments, and 100,000 damaged
# files. About an hour.
soak: $(VENV)/.ready
	MIEN_SOAK_KILLS=200 MIEN_SOAK_FILES=100000 $(VENV)/bin/python -m pytest -n 0 tests/test_kills.py tests/batch/test_kills_of_batches.py tests/batch/test_ray.py tests/media/test_fuzzed.py \
		tests/training/test_resume.py tests/server/test_kills_of_the_service.py

lint: $(VENV)/.ready web-lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# Which package may import which: .importlinter.
contract: $(VENV)/.ready
	$(VENV)/bin/lint-imports --no-cache

types: $(VENV)/.ready
	$(VENV)/bin/mypy

# Versions as they are now, by name alone: without what is built here, and without the tags of builds for one kind of machine.
constraints: $(VENV)/.ready
	echo "# Versions of packages that the tests ran with. \`make constraints\` writes this file; CONTRIBUTING.md says what it is for." > .ci/constraints.txt
	$(VENV)/bin/python -m pip freeze --exclude-editable | sed 's/+.*//' >> .ci/constraints.txt

lowest:
	$(PYTHON) .ci/lowest.py > .ci/lowest

# Git runs the hooks of .pre-commit-config.yaml from now on.
hooks: $(VENV)/.ready
	$(VENV)/bin/python $(PIP) pre-commit
	$(VENV)/bin/pre-commit install --hook-type pre-commit --hook-type pre-push

# The page of mien serve: style and types, and its own tests, which need no package.
web-lint: web/node_modules/.ready
	cd web && npm run --silent lint

web-test:
	cd web && node --test

# The golden vectors that Python and the page are held to, from what Python answers now.
vectors: $(VENV)/.ready
	$(VENV)/bin/python -m tests.vectors.write_vectors

# From the data to the networks that mien ships, and their scores on the test set: about 30 hours of one core. It goes on after a stop.
MIEN := $(VENV)/bin/mien
OUT := src/mien/inference/weights
MIX := --mix everyday=$(EVERYDAY)
PARTS := part-clear part-62 part-63 part-64
networks: $(VENV)/.ready
	$(MIEN) train $(DATA) --preset part-clear --run runs/part-clear -o runs/part-clear.onnx
	for seed in 62 63 64; do $(MIEN) train $(DATA) --preset part --seed $$seed --run runs/part-$$seed -o runs/part-$$seed.onnx || exit 1; done
	seed=71; for part in $(PARTS); do \
		$(MIEN) train $(DATA) $(MIX) --preset part-everyday --seed $$seed --initial runs/$$part.onnx --run runs/$$part-everyday || exit 1; \
		$(MIEN) models average runs/$$part.onnx runs/$$part-everyday/part-everyday.onnx $(DATA) $(MIX) -o runs/$$part-mean.onnx || exit 1; \
		seed=$$((seed + 1)); done
	$(MIEN) models ensemble $(PARTS:%=runs/%-mean.onnx) $(DATA) $(MIX) -o $(OUT)/medium.onnx
	$(MIEN) models teacher-cache $(DATA) $(OUT)/medium.onnx -o runs/views
	for name in nano small; do $(MIEN) train $(DATA) --preset student-$$name --teacher-cache runs/views --run runs/student-$$name || exit 1; done
	for name in nano small; do $(MIEN) train $(DATA) $(MIX) --preset $$name-everyday --initial runs/student-$$name/$$name.onnx \
		--teacher-cache runs/views --run runs/$$name-everyday -o $(OUT)/$$name.onnx || exit 1; done
	for name in nano small medium; do $(MIEN) models quantize $(OUT)/$$name.onnx $(DATA) $(MIX) -o $(OUT)/$$name-int8.onnx || exit 1; done
	for name in nano nano-int8 small small-int8 medium medium-int8; do $(MIEN) models test $(OUT)/$$name.onnx $(DATA) --log docs/private-test.log || exit 1; done

# Everything that is measured, with a page and charts in docs/; what is there for this code and machine is kept. ONLY="memory service" runs a part.
bench: $(VENV)/.ready
	$(VENV)/bin/python -m benchmarks $(if $(ONLY),--only $(ONLY))

# The page and the charts again, from docs/benchmarks/results.json.
bench-page: $(VENV)/.ready
	$(VENV)/bin/python -m benchmarks.lib.report

# Pictures of every output in docs/gallery, by mien itself and Chromium; look at them all. About three minutes.
gallery: $(VENV)/.ready
	$(VENV)/bin/python demo/gallery.py

# The documentation as a site, in build/site: open index.html, no server is needed. A link that leads nowhere is an error.
docs: reference web/node_modules/.ready
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict --quiet

# axe over every page of the site, whole, light and dark; the tests look at the frame of a few, and at the text of all.
docs-check: $(VENV)/.ready web/node_modules/.ready
	MIEN_EVERY_PAGE=1 $(VENV)/bin/python -m pytest -n 0 --timeout 3600 tests/test_site.py

# The pages of docs/ that come from the code: the command line from its own --help, Python from its docstrings.
reference: $(VENV)/.ready
	$(VENV)/bin/python -m build_tools.cli_pages
	$(VENV)/bin/python -m build_tools.api_pages

# The networks' cards as a page.
models: $(VENV)/.ready
	$(VENV)/bin/mien models list --format markdown > MODELS.md

# What the JavaScript client knows of the service.
client: $(VENV)/.ready
	$(VENV)/bin/python -m build_tools.service_types

# The packages of a release in dist/, built, looked through, and tried in empty environments with PYTHON; EXTRAS: light, all, none, or names with
# commas between.
EXTRAS ?= light
packages: $(VENV)/.ready
	$(VENV)/bin/python -m build_tools.packages
	$(VENV)/bin/python -m build_tools.trial --python $(PYTHON) --extras $(EXTRAS)

# A release but for the tag and the upload: docs/releasing.md.
release: $(VENV)/.ready
	$(VENV)/bin/python -m build_tools.release
	+$(MAKE) --no-print-directory packages

# The notebooks, run, as pages beside them. ONLY="first-steps judging" runs a part; judging needs FER-2013, and stays as it is without.
notebooks: $(VENV)/.ready
	MIEN_FER2013=$(abspath $(DATA)) $(VENV)/bin/python -m build_tools.notebook_pages $(ONLY)

# The demo shows no page, and so needs no npm.
$(DEMO)/.ready: pyproject.toml $(wildcard build_tools/*.py) $(wildcard src/mien/inference/weights/*.onnx) $(shell find src/mien -name '*.py')
	$(PYTHON) -m venv $(DEMO)
	MIEN_BUILD_WITHOUT_NPM=1 $(DEMO)/bin/python $(PIP) --upgrade .
	touch $@

# Python compiles what is imported; pip would compile 300 megabytes of packages, most of which are not.
$(VENV)/.ready: pyproject.toml $(wildcard build_tools/*.py) web/package-lock.json
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) --no-compile --editable '.[dev]'
	touch $@

# The build takes the oldest packages, too.
$(LOWEST)/.ready: .ci/lowest $(wildcard build_tools/*.py)
	$(PYTHON) -m venv $(LOWEST)
	PIP_CONSTRAINT=.ci/lowest $(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[tests]'
	touch $@

web/node_modules/.ready: web/package-lock.json
	cd web && npm ci --silent
	touch $@

clean:
	rm -rf $(DEMO) $(VENV) $(LOWEST) out build dist web/node_modules
