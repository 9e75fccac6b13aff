# Every target sets up .venv first; once it is ready that costs a twentieth of a second.
PYTHON ?= python3
VENV ?= .venv
# An index of PyTorch builds to use in place of pip's own, e.g. the CPU-only one (see README.md).
TORCH_INDEX ?=
# What `make lab` opens, and further options for JupyterLab, e.g. LAB_OPTIONS=--no-browser.
NOTEBOOK ?= 00_start_here.ipynb
# Where it stands: COURSE=build/student opens the student's edition.
COURSE ?= notebooks
LAB_OPTIONS ?=
# The parts of `make test`, in order: STAGES="lint types" runs two of them.
STAGES ?= lint types unit notebooks browser
# The notebooks of `make course` and `make text`, all if empty: ONLY=06_softmax_or_sigmoid.
ONLY ?=
# The language of `make course`: LANG=ko on its command line writes Korean notebooks to build/ko.
# LANG is the shell's locale too, say ko_KR.UTF-8: that one is left to the programs, and the course
# stays in English.
ifeq ($(origin LANG),command line)
COURSE_LANGUAGE := $(LANG)
unexport LANG
else
COURSE_LANGUAGE := $(if $(filter ko,$(LANG)),ko,en)
endif

RUN := $(VENV)/bin/python
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help setup lab test course text student bench figures table lint format constraints clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv and install everything into it (the other targets do this by themselves)
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "No $(PYTHON) here: install Python 3.11 or newer, or name one: make PYTHON=..." >&2; \
	  exit 1; }
	@"$(PYTHON)" tools/prepare.py --venv "$(VENV)" --torch-index "$(TORCH_INDEX)"

lab: setup ## open JupyterLab on the first notebook
	@"$(RUN)" -m jupyterlab --ip=127.0.0.1 $(AS_ROOT) --ServerApp.root_dir=$(COURSE) \
	  --LabApp.default_url="/lab/tree/$(NOTEBOOK)" --LabApp.news_url=None \
	  --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(LAB_OPTIONS)

test: setup ## style, types, unit tests, every notebook, the browser
	@"$(RUN)" tools/run_tests.py $(STAGES)

course: setup ## execute every notebook from notebooks/src and rewrite the stored outputs (LANG=ko: build/ko)
	@"$(RUN)" tools/execute_course.py --language "$(COURSE_LANGUAGE)" $(ONLY)

student: setup ## make the student's and the teacher's edition in build/, anew each time
	@"$(RUN)" tools/make_editions.py

text: setup ## renew the text of the stored notebooks from notebooks/src; outputs stay
	@"$(RUN)" tools/refresh_text.py $(ONLY)

bench: setup ## measure the speed claims (ratios within one run)
	@"$(RUN)" -m bench

figures: setup ## export the figures and their gallery page to figures/
	@"$(RUN)" tools/make_figures.py

table: setup ## write the table of the course into README.md, and notebooks/reference
	@"$(RUN)" tools/course_table.py
	@"$(RUN)" tools/reference_pages.py

lint: setup ## style and types only
	@"$(RUN)" tools/run_tests.py lint types

format: setup ## let ruff rewrite the style
	@"$(RUN)" -m ruff check --fix . && "$(RUN)" -m ruff format .

constraints: setup ## write the versions now installed to constraints.txt (after testing them)
	@"$(RUN)" tools/freeze_constraints.py

clean: ## remove .venv, caches and everything that is built (keeps notebooks and figures)
	rm -rf "$(VENV)" build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
