# One command each. A fresh machine needs CPython 3.10 or newer with pip and its headers, make and a C++20 compiler;
# the first second says what of that is missing.
#
#   make demo       train a small network on real handwritten digits
#   make test       the whole suite, on all cores
#   make develop    compile into src/pullback; then .venv/bin/python finds it
#   make wheel      a wheel in dist/, which installs without a compiler; make sdist: the sources
#   make lint       ruff and clang-format; make format applies them
#   make clients    libraries that are written for PyTorch, run on pullback: clients/README.md; needs the network once
#   make bench      the benchmark tables of docs/performance.md
#   make fuzz       random programs in deferred and immediate work, beside NumPy: N of them, from SEED on;
#                   make fuzz-sanitized: under the sanitizers
#   make conformance  every operator beside the installed PyTorch: N samples, drawn from SEED
#   make sanitize   the suite under AddressSanitizer and UndefinedBehaviorSanitizer; make sanitize-threads: the pool
#                   of threads under ThreadSanitizer
#
# BOOTSTRAP is the interpreter that makes .venv. PYTHON, when given, is used as it is instead of .venv. JOBS is how
# many compilers and test processes run at once. WERROR=ON: a warning of the compiler is an error.

VENV      := .venv
JOBS      ?= $(shell nproc 2> /dev/null || sysctl -n hw.ncpu 2> /dev/null || echo 2)
PYTEST    ?= -q
# Whether a warning stops the compiler: for developers, since a user's compiler, or Python, may be newer than all that was tried.
WERROR    ?= OFF
ifeq ($(origin PYTEST),file)
PARALLEL  := -n $(JOBS) --dist loadfile
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# $(call has,EXTRA): what a target needs in .venv; nothing where the interpreter is given.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(VENV)/bin/python
has     = $(VENV)/.has-$(1)
else
USED   := $(PYTHON)
has     =
endif
# The tree itself is what runs, whatever version may be installed.
RUN = PYTHONPATH="$(CURDIR)/src$${PYTHONPATH:+:$$PYTHONPATH}" $(PYTHON)

.PHONY: demo test clients conformance lint format bench fuzz fuzz-sanitized sanitize sanitized sanitize-threads short develop wheel sdist clean
.DEFAULT_GOAL := test

demo: develop $(call has,demo)
	@$(RUN) examples/digits.py

test: develop $(call has,test)
	$(RUN) -m pytest $(PYTEST) $(PARALLEL)

# In an environment of their own, which has no PyTorch: what they depend on is left out.
CLIENTS = build/clients
clients: develop $(call has,test) $(CLIENTS)/.ready
	PULLBACK_CLIENTS="$(CURDIR)/$(CLIENTS)/bin/python" $(RUN) -m pytest $(PYTEST) -m network tests/clients

$(CLIENTS)/.ready: clients/requirements.txt clients/needs.txt
	@echo "Installing into $(CLIENTS) what clients/requirements.txt names"
	@rm -rf $(CLIENTS) && $(PYTHON) -m venv $(CLIENTS)
	@$(CLIENTS)/bin/python -m pip install -q -r clients/needs.txt
	@$(CLIENTS)/bin/python -m pip install -q --no-deps -r clients/requirements.txt
	@touch $@

bench: develop $(call has,demo) $(call has,benchmark)
	$(RUN) -m benchmarks.core --write docs/performance.md
	$(RUN) -m benchmarks.transforms --write docs/performance.md
	$(RUN) -m benchmarks.programs --write docs/performance.md
	$(RUN) -m benchmarks.sparse --write docs/performance.md
	$(RUN) -m benchmarks.linear_algebra --write docs/performance.md
	$(RUN) -m benchmarks.elements --write docs/performance.md
	$(RUN) -m benchmarks.operators --write docs/performance.md
	$(RUN) -m benchmarks.fusion --write docs/performance.md
	$(RUN) -m benchmarks.deferral --write docs/performance.md
	$(RUN) -m benchmarks.replay --write docs/performance.md
	$(RUN) -m benchmarks.replay_peers --write docs/performance.md

SOURCES_CXX = $(shell find src/core -name '*.cpp' -o -name '*.h')
lint: $(call has,lint)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	@PATH="$(SCRIPTS):$$PATH" clang-format --dry-run --Werror $(SOURCES_CXX)

format: $(call has,lint)
	$(PYTHON) -m ruff format -q .
	$(PYTHON) -m ruff check -q --fix .
	@PATH="$(SCRIPTS):$$PATH" clang-format -i $(SOURCES_CXX)

# What is compiled is packed: the wheel shares the objects of `make develop`.
wheel: develop
	$(PYTHON) -m pip wheel . -w dist --no-deps --no-build-isolation -C build-dir=build/dev/$(TAG)

sdist: $(call has,build)
	@mkdir -p dist
	@$(PYTHON) -c 'from scikit_build_core.build import build_sdist; print("dist/" + build_sdist("dist"))'

# ---- the virtual environment ----

# Once for each interpreter that is named.
MACHINE = build/.machine$(subst /,-,$(USED))
$(MACHINE): tools/machine.sh
	@BOOTSTRAP="$(BOOTSTRAP)" sh tools/machine.sh check $(USED)
	@mkdir -p build && touch $@

# A half-made environment would be taken for a whole one by the next run. Its Python finds the tree by itself.
$(VENV)/bin/python: | $(MACHINE)
	@python="$${BOOTSTRAP:-$$(sh tools/machine.sh python)}"; \
	echo "Making a virtual environment in $(VENV), with $$python"; \
	$$python -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@echo "$(CURDIR)/src" > "$$($@ -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pullback-tree.pth"

$(VENV)/.has-%: pyproject.toml tools/requirements.py | $(VENV)/bin/python
	@echo "Installing into $(VENV) what '$*' needs"
	@eval $(VENV)/bin/python -m pip install --progress-bar on $$($(VENV)/bin/python tools/requirements.py run $*) \
	    || { echo "The packages could not be installed: pip, above, says why. Without a network name a Python" \
	              "that has them: make PYTHON=/path/to/python"; exit 1; }
	@touch $@

$(VENV)/.has-lint: pyproject.toml tools/requirements.py | $(VENV)/bin/python
	@eval $(VENV)/bin/python -m pip install -q $$($(VENV)/bin/python tools/requirements.py lint)
	@touch $@

# ---- compiling ----

# One folder per interpreter and flavour, so that each stays incremental.
TAG     = $(shell $(PYTHON) -c 'import sys; print(sys.implementation.cache_tag)')
SCRIPTS = $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
CMAKE   = PATH="$(SCRIPTS):$$PATH" cmake
# Clones of the repository, and pip, share what one of them has compiled.
ifneq ($(shell command -v ccache),)
export CMAKE_CXX_COMPILER_LAUNCHER := ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
endif
# $(call build,folder,options): configure when this file has changed, compile what has changed, which is no Python file.
define build
	@mkdir -p $(dir $(1))
	@test $(1)/.configured -nt Makefile || { \
	    echo "Configuring for $$($(PYTHON) --version): questions to the compiler, some seconds"; \
	    $(CMAKE) -S . -B $(1) -G Ninja -DPython_EXECUTABLE="$$(command -v $(PYTHON))" \
	        -DCMAKE_CXX_FLAGS="$(CXXFLAGS)" -DPULLBACK_WERROR=$(WERROR) $(2) > $(1).log 2>&1 \
	    && touch $(1)/.configured \
	    && echo "Compiling on $(JOBS) cores: some minutes the first time, afterwards only what changed" || { cat $(1).log; exit 1; }; }
	@NINJA_STATUS="compiling [%f/%t] " $(CMAKE) --build $(1) -j $(JOBS)
endef

develop: $(MACHINE) $(call has,build)
	$(call build,build/dev/$(TAG),-DPULLBACK_INPLACE=ON)

# The executor's shortest block, a single vector: every block edge is crossed by small tests.
short: $(MACHINE) $(call has,build) $(call has,test)
	$(call build,build/short/$(TAG),-DPULLBACK_BLOCK_BYTES=64)
	@rm -rf build/short/$(TAG)/site && $(CMAKE) --install build/short/$(TAG) --prefix build/short/$(TAG)/site > /dev/null
	PYTHONPATH=build/short/$(TAG)/site $(PYTHON) -m pytest $(PYTEST) $(PARALLEL)

# A fault names the number of its program: python -m fuzz.machines --only NUMBER runs that one again.
N    ?= 1000
SEED ?= 0
FUZZ  = $(PYTHON) -m fuzz.machines -n $(N) --seed $(SEED)
fuzz: develop $(call has,test)
	PYTHONPATH=src:tests $(FUZZ)

# One sample again: python -m conformance --only NUMBER --seed SEED.
CONFORM = PYTHONPATH="$(CURDIR)/src:$(CURDIR)/tests" $(PYTHON) -m conformance
conformance: N = 100000
conformance: develop $(call has,test)
	$(CONFORM) -n $(N) --seed $(SEED) --jobs $(JOBS)

# Python itself is not instrumented: the sanitizer's library, and the one it intercepts, are loaded first. Objects come
# from malloc, so that use after free is seen; pytest leaves file descriptors alone, so that a report reaches the terminal.
CXX_FILE = $(shell $(CXX) -print-file-name=$(1))
SANITIZED = build/sanitize/$(TAG)
WATCHED   = PYTHONPATH=$(CURDIR)/$(SANITIZED)/site:tests PYTHONMALLOC=malloc \
	LD_PRELOAD="$(call CXX_FILE,libasan.so) $(call CXX_FILE,libstdc++.so)" UBSAN_OPTIONS=print_stacktrace=1 \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=1
sanitized: $(MACHINE) $(call has,build) $(call has,test)
	$(call build,$(SANITIZED),-DPULLBACK_SANITIZE=address$(COMMA)undefined$(COMMA)float-cast-overflow -DCMAKE_BUILD_TYPE=Debug)
	@rm -rf $(SANITIZED)/site && $(CMAKE) --install $(SANITIZED) --prefix $(SANITIZED)/site > /dev/null
sanitize: sanitized
	$(WATCHED) $(PYTHON) -m pytest $(PYTEST) -p no:cacheprovider -n $(JOBS) --capture=sys
fuzz-sanitized: sanitized
	$(WATCHED) $(FUZZ)
COMMA := ,

# Everything that runs on several threads, but for products: what happens inside OpenBLAS cannot be seen, and NumPy's
# copy of it may have no threads of its own. One process, which stops at the first race. Where the
# kernel randomises addresses too much for the sanitizer: setarch -R make sanitize-threads.
RACES = build/sanitize-threads/$(TAG)
sanitize-threads: $(MACHINE) $(call has,build) $(call has,test)
	$(call build,$(RACES),-DPULLBACK_SANITIZE=thread -DCMAKE_BUILD_TYPE=Debug)
	@rm -rf $(RACES)/site && $(CMAKE) --install $(RACES) --prefix $(RACES)/site > /dev/null
	PYTHONPATH=$(CURDIR)/$(RACES)/site PYTHONMALLOC=malloc OPENBLAS_NUM_THREADS=1 \
	LD_PRELOAD="$(call CXX_FILE,libtsan.so) $(call CXX_FILE,libstdc++.so)" TSAN_OPTIONS=die_after_fork=0:halt_on_error=1 \
	    $(PYTHON) -m pytest $(PYTEST) -p no:cacheprovider --capture=sys -k "thread" --deselect tests/threads/test_products.py

clean:
	rm -rf build dist $(VENV) src/pullback/_core*.so
