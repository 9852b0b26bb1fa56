# `make` says what there is. Needs only Python 3.11 or newer; everything lands in .venv, .sandbox and .quartermaster.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
TRAIN_STAMP := $(VENV)/.installed-train
LABELLED ?= ../shared/data/queries

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run install test check fix bench train-tools train-proof gpu-check clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: install ## install, start real MCP servers, find and call the right tools, then let the agent pursue a goal
	@$(BIN)/python scripts/demo.py

install: $(STAMP) ## make .venv with what `run` needs, and nothing more

test: $(DEV_STAMP) ## run the tests; choose some with ARGS="tests/retrieval -x"
	@$(BIN)/python -m pytest $(ARGS)

check: $(DEV_STAMP) ## formatting, lint, types, and which floor may import what
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

fix: $(DEV_STAMP) ## format, and mend what can be mended without thought
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(DEV_STAMP) ## run every benchmark; one with ARGS=benchmarks/NAME.py or ARGS=retrieval
	@for file in $(filter-out retrieval,$(or $(ARGS),$(sort $(wildcard benchmarks/[a-z]*.py)))); do \
		echo "== $$file"; $(BIN)/python "$$file" || exit 1; \
	done
ifneq ($(filter retrieval,$(or $(ARGS),retrieval)),)
	@test -d $(LABELLED) || { echo "== retrieval: skipped, there is no $(LABELLED); name one with LABELLED=FOLDER"; } >&2
	@test ! -d $(LABELLED) || for part in retrieval stress; do \
		echo "== quartermaster bench $$part"; \
		$(BIN)/quartermaster bench $$part --data $(LABELLED) --out .bench || exit 1; \
	done
endif

train-tools: $(TRAIN_STAMP) ## install torch and what else training needs (hundreds of megabytes)

train-proof: $(TRAIN_STAMP) ## show that the trainer learns, and resumes bit for bit; under 20 minutes on 2 cores
	@$(BIN)/python scripts/train_proof.py $(ARGS)

gpu-check: $(STAMP) ## what a GPU would be used for, and whether there is one
	@$(BIN)/python scripts/gpu_check.py $(ARGS)

clean: ## remove .venv, the caches, and what `run` made: the sandbox and its state
	rm -rf $(VENV) .sandbox .quartermaster .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Quartermaster needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>/dev/null || echo missing)." >&2; \
		echo "Name a newer one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "installing into $(VENV) (about a minute the first time)" >&2
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[agent]'
	@$(PIP) --editable '.[agent,local-llm]' || echo "going on without local language models: no wheel for this machine" >&2
	@touch $@

$(DEV_STAMP): $(STAMP)
	@echo "installing what the tests and checks need" >&2
	@$(PIP) --editable '.[dev]'
	@touch $@

# torch by itself and first: another package's range for it may bring several gigabytes for GPUs.
$(TRAIN_STAMP): $(STAMP)
	@echo "installing what training needs" >&2
	@$(PIP) torch
	@$(PIP) --editable '.[train]'
	@touch $@
