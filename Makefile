# Everything runs in .venv, which `make` builds from wheels alone.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/pip install --disable-pip-version-check
# Picks the build of torch that suits the machine, where torch's index can be asked: one try, no waiting.
UV := $(BIN)/uv pip install --python $(BIN)/python --torch-backend=auto
PE ?= 16
MODEL := build/demo/digits.safetensors
# One torch thread per process: two threads on a busy two-core machine are many times slower. Bytecode is kept.
export OMP_NUM_THREADS := 1
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)
.PHONY: help demo test test-all test-fast lint mutants coverage prove bench verilog docs clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --quiet --retries 0 --timeout 10 uv || true
	@{ UV_HTTP_RETRIES=0 $(UV) --quiet --no-deps --dry-run torch 2>/dev/null && $(UV) -e '.[dev]'; } || \
	{ echo "uv cannot choose a build of torch here; plain pip installs"; $(PIP) --progress-bar off -e '.[dev]'; }
	@touch $@

demo: $(STAMP) ## Train on digits, export, build, prove in Verilog: a table with 0 mismatches
	python -m train.fit --dataset digits --out build/demo/training --overwrite
	python -m train.export --checkpoint build/demo/training/checkpoint.pt --out $(MODEL)
	python -m gen.build --pe $(PE) --model $(MODEL) --out build/demo/pe$(PE)
	python -m sim.run $(MODEL) --pe $(PE) --images 32

test: lint ## What must pass: unit, property and Verilog tests
	python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder

test-all: lint ## These and the slow ones: every shape, every fault, the whole list of networks
	python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "slow or not slow"

test-fast: $(STAMP) ## Everything but Verilator
	python -m pytest -n 2 tests

lint: $(STAMP) ## ruff and import-linter
	ruff check . && lint-imports

mutants: $(STAMP) ## Wrong versions of the design, each of which a test must catch
	python -m tests.mutants

coverage: $(STAMP) ## What of the Python, the Verilog and the features tests meet: a page
	python -m tests.coverage

prove: $(STAMP) ## What is claimed of the components, proved for all inputs and all time
	python -m formal

bench: $(STAMP) ; python -m flows.bench ## Every ratio: cycles, speed, sizes, training steps, signs per LUT

verilog: $(STAMP) ; python -m gen.build --pe $(PE) ## Verilog for PE=N

docs: $(STAMP) ## The documentation as a site, in build/docs
	NO_MKDOCS_2_WARNING=1 python -m mkdocs build --strict --quiet && echo build/docs/index.html

clean: ; rm -rf build .pytest_cache .ruff_cache .hypothesis ## Remove what was built (not .venv)
