# Two commands do all the set-up on a machine that has Python 3.11+, make and a package index:
#   make demo    installs the core alone and reads real pictures and a video
#   make test    installs everything and runs the tests
PYTHON ?= python3
DEMO := .venv-demo
VENV := .venv
DATA ?= ../shared/fer2013/fer2013.parquet

.PHONY: demo test soak lint contract types web-lint web-test vectors networks bench bench-page docs models notebook clean
