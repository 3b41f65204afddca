# Two commands do all the set-up on a machine that has Python 3.11+, make and a package index:
#   make demo    installs the core alone and reads real pictures and a video
#   make test    installs everything and runs the tests
PYTHON ?= python3
DEMO := .venv-demo
VENV := .venv
DATA ?= ../shared/fer2013/fer2013.parquet

.PHONY: demo test soak lint types network bench bench-page docs models notebook clean

demo: $(DEMO)/.ready
	$(DEMO)/bin/python demo/demo.py

test: $(VENV)/.ready lint types
	$(VENV)/bin/python -m pytest -n auto --dist loadfile

# The faults of `make test` for longer: 200 runs killed at random moments. About a quarter of an hour.
soak: $(VENV)/.ready
	MIEN_SOAK_KILLS=200 $(VENV)/bin/python -m pytest -n 0 tests/batch/test_faults.py tests/batch/test_ray.py

lint: $(VENV)/.ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.ready
	$(VENV)/bin/mypy

# From the data to the network that mien ships, and its scores on the test set.
network: $(VENV)/.ready
	$(VENV)/bin/mien train $(DATA) --preset small --run runs/small
	$(VENV)/bin/mien train $(DATA) --preset teacher-4 --run runs/teacher-4
	$(VENV)/bin/mien views $(DATA) runs/small runs/teacher-4 -o runs/views --count 16
	$(VENV)/bin/mien train $(DATA) --preset student-small --views runs/views --initial runs/small/small.onnx --run runs/student-small
	$(VENV)/bin/mien train $(DATA) --preset student-small-again --views runs/views --initial runs/student-small/small.onnx --run runs/student-small-again
	$(VENV)/bin/mien average runs/small/small.onnx runs/student-small-again/small.onnx $(DATA) -o src/mien/networks/small.onnx
	$(VENV)/bin/mien quantize src/mien/networks/small.onnx $(DATA) -o src/mien/networks/small-int8.onnx
	$(VENV)/bin/mien open-private src/mien/networks/small.onnx $(DATA)
	$(VENV)/bin/mien open-private src/mien/networks/small-int8.onnx $(DATA)

# Everything that is measured, with a page and charts in docs/; what is there for this code and machine is kept. ONLY="memory service" runs a part.
bench: $(VENV)/.ready
	$(VENV)/bin/python -m benchmarks $(if $(ONLY),--only $(ONLY))

# The page and the charts again, from docs/benchmarks/results.json.
bench-page: $(VENV)/.ready
	$(VENV)/bin/python -m benchmarks.report

# The reference of the command line, from its own --help.
docs: $(VENV)/.ready
	$(VENV)/bin/python -m typer mien.cli.app utils docs --name mien --output docs/cli.md

# The networks' cards as a page.
models: $(VENV)/.ready
	$(VENV)/bin/mien models --format markdown > MODELS.md

# The learners' notebook, run, as a page. Needs FER-2013.
notebook: $(VENV)/.ready
	cd docs && MIEN_FER2013=$(abspath $(DATA)) ../$(VENV)/bin/python -m nbconvert --to markdown --execute judging.ipynb

$(DEMO)/.ready: pyproject.toml hatch_build.py $(wildcard src/mien/networks/*.onnx)
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade .
	touch $@

$(VENV)/.ready: pyproject.toml hatch_build.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,haar,pandas,train]'
	touch $@

clean:
	rm -rf $(DEMO) $(VENV) out build dist
