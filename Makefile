# One command each. A fresh machine needs Python 3.10 or newer with pip, make and a C++20 compiler.
#
#   make demo       train a small network on real handwritten digits
#   make test       the whole suite
#   make develop    compile into src/pullback; then PYTHONPATH=src python
#   make lint       ruff and clang-format; make format applies them
#   make bench      the benchmark tables of docs/performance.md
#   make fuzz       random programs in deferred and immediate work, beside NumPy: N of them, from SEED on;
#                   make fuzz-sanitized: under the sanitizers
#   make sanitize   the suite under AddressSanitizer and UndefinedBehaviorSanitizer; make sanitize-threads: the pool
#                   of threads under ThreadSanitizer
#
# BOOTSTRAP is the interpreter that makes .venv. PYTHON, when given, is used as it is instead of .venv.

BOOTSTRAP ?= python3
VENV      := .venv
JOBS      ?= 2
PYTEST    ?= -q

ifeq ($(origin PYTHON),undefined)
PYTHON := $(VENV)/bin/python
TOOLS  := $(VENV)/.tools
else
TOOLS  :=
endif

SOURCES := pyproject.toml CMakeLists.txt $(shell find src -name '*.py' -o -name '*.pyi' -o -name '*.cpp' -o -name '*.h' -o -name CMakeLists.txt)
BUILD_TOOLS := cmake ninja nanobind scikit-build-core

.PHONY: demo test lint format bench fuzz fuzz-sanitized sanitize sanitized sanitize-threads short develop clean
.DEFAULT_GOAL := test

demo: $(VENV)/.installed
	$(VENV)/bin/python examples/digits.py

test: $(VENV)/.installed
	$(VENV)/bin/python -m pytest $(PYTEST)

bench: $(VENV)/.installed
	$(VENV)/bin/python -m pip install -q '.[benchmark]'
	$(VENV)/bin/python -m benchmarks.core --write docs/performance.md
	$(VENV)/bin/python -m benchmarks.fusion --write docs/performance.md

lint: $(VENV)/.lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	find src/core -name '*.cpp' -o -name '*.h' | xargs $(VENV)/bin/clang-format --dry-run --Werror

format: $(VENV)/.lint
	$(VENV)/bin/ruff format -q .
	$(VENV)/bin/ruff check -q --fix .
	find src/core -name '*.cpp' -o -name '*.h' | xargs $(VENV)/bin/clang-format -i

$(VENV)/bin/python:
	$(BOOTSTRAP) -m venv $(VENV)

$(VENV)/.installed: $(SOURCES) | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install -q '.[demo,test]'
	@touch $@

$(VENV)/.lint: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install -q $$($(VENV)/bin/python .ci/extra.py lint)
	@touch $@

$(VENV)/.tools: | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install -q $(BUILD_TOOLS) $$($(VENV)/bin/python .ci/extra.py demo test)
	@touch $@

# Builds outside pip: one folder per interpreter and flavour, so that each stays incremental.
TAG     = $(shell $(PYTHON) -c 'import sys; print(sys.implementation.cache_tag)')
SCRIPTS = $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
CMAKE   = PATH="$(SCRIPTS):$$PATH" cmake
# Clones of the repository, and pip, share what one of them has compiled.
ifneq ($(shell command -v ccache),)
export CMAKE_CXX_COMPILER_LAUNCHER := ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
endif
# $(call build,folder,options): configure when this file has changed, compile what has changed.
define build
	@mkdir -p $(dir $(1))
	@test $(1)/.configured -nt Makefile || { \
	    $(CMAKE) -S . -B $(1) -G Ninja -DPython_EXECUTABLE="$$(command -v $(PYTHON))" \
	        -DCMAKE_CXX_FLAGS="$(CXXFLAGS)" -DPULLBACK_WERROR=ON $(2) > $(1).log 2>&1 \
	    && touch $(1)/.configured || { cat $(1).log; exit 1; }; }
	@$(CMAKE) --build $(1) -j $(JOBS)
endef

develop: $(TOOLS)
	$(call build,build/dev/$(TAG),-DPULLBACK_INPLACE=ON)

# The executor's shortest block, a single vector: every block edge is crossed by small tests.
short: $(TOOLS)
	$(call build,build/short/$(TAG),-DPULLBACK_BLOCK_BYTES=64)
	@$(CMAKE) --install build/short/$(TAG) --prefix build/short/$(TAG)/site > /dev/null
	PYTHONPATH=build/short/$(TAG)/site $(PYTHON) -m pytest $(PYTEST)

# A fault names the number of its program: python -m fuzz.machines --only NUMBER runs that one again.
N    ?= 1000
SEED ?= 0
FUZZ  = $(PYTHON) -m fuzz.machines -n $(N) --seed $(SEED)
ifeq ($(TOOLS),)
fuzz: develop
	PYTHONPATH=src:tests $(FUZZ)
else
fuzz: $(VENV)/.installed
	PYTHONPATH=tests $(FUZZ)
endif

# Python itself is not instrumented: the sanitizer's library, and the one it intercepts, are loaded first. Objects come
# from malloc, so that use after free is seen; pytest leaves file descriptors alone, so that a report reaches the terminal.
CXX_FILE = $(shell $(CXX) -print-file-name=$(1))
SANITIZED = build/sanitize/$(TAG)
WATCHED   = PYTHONPATH=$(CURDIR)/$(SANITIZED)/site:tests PYTHONMALLOC=malloc \
	LD_PRELOAD="$(call CXX_FILE,libasan.so) $(call CXX_FILE,libstdc++.so)" UBSAN_OPTIONS=print_stacktrace=1 \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=1
sanitized: $(TOOLS)
	$(call build,$(SANITIZED),-DPULLBACK_SANITIZE=address$(COMMA)undefined$(COMMA)float-cast-overflow -DCMAKE_BUILD_TYPE=Debug)
	@$(CMAKE) --install $(SANITIZED) --prefix $(SANITIZED)/site > /dev/null
sanitize: sanitized
	$(WATCHED) $(PYTHON) -m pytest $(PYTEST) -p no:cacheprovider -n $(JOBS) --capture=sys
fuzz-sanitized: sanitized
	$(WATCHED) $(FUZZ)
COMMA := ,

# Everything that runs on several threads, but for products: what happens inside OpenBLAS cannot be seen, and NumPy's
# copy of it may have no threads of its own. One process, which stops at the first race. Where the
# kernel randomises addresses too much for the sanitizer: setarch -R make sanitize-threads.
RACES = build/sanitize-threads/$(TAG)
sanitize-threads: $(TOOLS)
	$(call build,$(RACES),-DPULLBACK_SANITIZE=thread -DCMAKE_BUILD_TYPE=Debug)
	@$(CMAKE) --install $(RACES) --prefix $(RACES)/site > /dev/null
	PYTHONPATH=$(CURDIR)/$(RACES)/site PYTHONMALLOC=malloc OPENBLAS_NUM_THREADS=1 \
	LD_PRELOAD="$(call CXX_FILE,libtsan.so) $(call CXX_FILE,libstdc++.so)" TSAN_OPTIONS=die_after_fork=0:halt_on_error=1 \
	    $(PYTHON) -m pytest $(PYTEST) -p no:cacheprovider --capture=sys -k "thread" --deselect tests/threads/test_products.py

clean:
	rm -rf build dist $(VENV) src/pullback/_core*.so
