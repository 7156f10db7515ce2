# cnpc: what one does with a checkout. Everything Python lands in .venv/; root's apt-get installs
# the tools that are missing, everyone else is told their names.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

READY := .venv/ready
TYPED := .venv/src/cnpc
TESTS ?=
JOBS ?= $(shell nproc)

# A venv holds absolute paths and the interpreter's: one that was moved, or whose interpreter is
# gone, is made anew.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
else ifneq ($(shell .venv/bin/python -c 'import cnpc; print("works")' 2>/dev/null),works)
.PHONY: $(READY)
endif

.PHONY: help
help: ## Say what there is to make
	@echo 'make TARGET, one of'
	sed -nE 's/^([a-z]+):.*## (.*)/  \1\t\2/p' Makefile | expand -t 12

.PHONY: demo
demo: $(READY) ## Compile the user stories and, as root, send packets through the result
	@PYTHONPATH=tests .venv/bin/python examples/demo.py

.PHONY: templates
templates: $(READY) ## Write templates/compiled.py after a change to a template
	@.venv/bin/python tests/compiled_templates.py

.PHONY: test
test: $(READY) ## Run the tests, JOBS=2 at a time; as root by packets too. TESTS='-k word' chooses
	@.venv/bin/pytest --numprocesses $(JOBS) --dist loadfile $(TESTS)

.PHONY: lint
lint: $(READY) $(TYPED) ## Check style, format and types
	@.venv/bin/ruff check
	.venv/bin/ruff format --check
	MYPYPATH=.venv/src .venv/bin/mypy -p cnpc
	MYPYPATH=.venv/src:tests:examples:bench \
		.venv/bin/mypy --explicit-package-bases tests bench examples

.PHONY: mutants
mutants: $(READY) ## Change the product in COUNT=200 places, and tell which changes no test notices
	@PYTHONPATH=tests nice .venv/bin/python -m mutants.run $(or $(COUNT),200) $(SEED)

.PHONY: apiserver
apiserver: ## Build kube-apiserver, etcd and kube-proxy, which some tests run, if there is Go
	@bash tests/apiserver/build.sh

.PHONY: bench
bench: $(READY) ## Measure compiling, loading and packets, into docs/bench.md. QUICK=1 for a look
	@.venv/bin/pytest -q -o pythonpath=bench -o python_functions='bench_*' \
		--benchmark-columns=min,median,max,rounds bench/bench_*.py $(TESTS)
	PYTHONPATH=tests .venv/bin/python bench/run.py $(if $(QUICK),--quick)

.PHONY: clean
clean: ## Remove .venv and all that was made
	rm -rf .venv out build dist *.egg-info .*_cache .hypothesis .benchmarks

# --- set-up ------------------------------------------------------------------------------------

.PHONY: system
system:
	@. .ci/setup.sh
	install_system

$(READY): pyproject.toml .ci/constraints.txt .ci/setup.sh | system
	@. .ci/setup.sh
	rm -f $(READY)
	make_venv
	# The first pip that knows --group.
	.venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	# setuptools warns of folders with a package's name; that the root is the package is on purpose.
	PYTHONWARNINGS='ignore:Editable installation:UserWarning' \
		.venv/bin/python -m pip install --quiet --constraint .ci/constraints.txt --editable . --group dev
	echo '$(CURDIR)' > $(READY)

# The checkout's root is the package, which mypy sees only below the package's name.
$(TYPED): $(READY)
	@mkdir -p $(TYPED)
	for part in __init__.py __main__.py api.py py.typed compiler backends grammar templates; do
		ln -sfn ../../../$$part $(TYPED)/$$part
	done
	touch $(TYPED)
