# Every target says what it does: `make help`. The environment is made on first use, in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= auto
SEED ?=
CASES ?=
MODELS ?=
PART ?=
SECONDS ?= 3600
OUT ?=
DEMO := corpus/gemv_f32/block_row
BROKEN := corpus/gemv_f32/block_row__partials_unordered

.DEFAULT_GOAL := help
.PHONY: help demo test format lint types contracts pytest corpus redrawn random ptx gpu mutants bench models fuzz tables bless readme fmt clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP) ## prove a matrix-vector kernel, and refute the same kernel with a barrier left out
	$(BIN)/tv check $(DEMO)/kernel.cu corpus/gemv_f32/model.onnx
	@echo
	$(BIN)/tv check $(BROKEN)/kernel.cu corpus/gemv_f32/model.onnx; test $$? -eq 1

test: format lint types contracts pytest ## everything that has to hold before a change is done

format: $(STAMP) ## is every file formatted?
	$(BIN)/ruff format --check

lint: $(STAMP) ## ruff's rules
	$(BIN)/ruff check

types: $(STAMP) ## mypy --strict on tv and the compiler
	$(BIN)/mypy

contracts: $(STAMP) ## who may import whom
	$(BIN)/lint-imports

pytest: $(STAMP) ## the tests, in parallel (JOBS=1 for one after another)
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not slow and not gpu"

corpus: $(STAMP) ## every case of the corpus against the verdict in its first line
	$(BIN)/tv test corpus --timeout 300 --jobs $$(nproc)

redrawn: $(STAMP) ## every case of the corpus with other names, files and sizes, no comments (SEED=n draws others)
	$(BIN)/python benchmarks/redrawn.py --seed $(or $(SEED),1) --jobs $$(nproc)

random: $(STAMP) ## random kernels against enumeration and runs (CASES=100000; SEED=n draws others; what fails: build/random)
	$(BIN)/python -m tests.random_kernels --cases $(or $(CASES),100000) --seed $(or $(SEED),1) --jobs $$(nproc)

ptx: $(STAMP) ## barriers, shuffles and votes of the corpus as nvcc sees them; nothing where there is no nvcc
	$(BIN)/python benchmarks/ptx.py

gpu: $(STAMP) ## the corpus on a GPU: the interpreter's bits, the references' and the counterexamples' (brings CuPy; OUT=file)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[gpu]'
	$(BIN)/python benchmarks/gpu.py --jobs $$(nproc) $(if $(OUT),--out $(OUT))

mutants: $(STAMP) ## mutants of the corpus, judged by execution (goes on where it stopped; SEED=n, COUNT=n, SECONDS=n); then the table
	$(BIN)/python benchmarks/mutants --seed $(or $(SEED),1) --jobs $$(nproc) $(if $(COUNT),--count $(COUNT)) $(if $(SECONDS),--seconds $(SECONDS))
	$(BIN)/python benchmarks/mutants --seed $(or $(SEED),1) --table

bench: $(STAMP) ## time and memory of checks, as a table (SEED=n: on redrawn copies; PART=targets, growth, corpus or interpreter alone)
	$(BIN)/python benchmarks/run.py $(PART) $(SEED)

models: $(STAMP) ## time and memory of reading every model below MODELS=folder, as a table
	$(BIN)/python benchmarks/models.py $(or $(MODELS),corpus)

fuzz: $(STAMP) ## coverage-guided fuzzing of all that reads a file, for an hour or SECONDS=n (brings atheris; OUT=file)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(BIN)/python -m fuzz --seconds $(SECONDS) $(if $(OUT),--out $(OUT))

tables: $(STAMP) ## write the table of C's integer rules anew, with gcc
	$(BIN)/python tests/data/make_c_integer_rules.py

bless: $(STAMP) ## accept the messages as they are now into tests/golden
	TV_BLESS=1 $(BIN)/pytest -n 0 tests/test_report_golden.py tests/test_messages.py

readme: $(STAMP) ## put the output of its commands into README.md
	$(BIN)/python docs/update_readme.py

fmt: $(STAMP) ## format, and fix what can be fixed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
