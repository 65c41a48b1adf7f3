# The front door: `make run`, `make test`. Each target installs what it lacks (scripts/setup.sh), then builds with CMake.
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory --no-builtin-rules
SHELL := /bin/bash

jobs  := $(shell nproc)
cmake := .venv/bin/cmake
tests := .venv/bin/python scripts/run_tests.py

.PHONY: run build build-tests build-asan-tests test test-quick test-long test-asan test-shared unit lit e2e seed docs bench fuzz check-style format setup clean help FORCE

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

run: build ## build, then the seed's example
	@build/bin/xf-analyze models/gpt2-xl.onnx --gpu t4

# What is installed. The stamp is older than the pins, or what it speaks of is gone: look again.
setup_inputs := deps/pins.txt scripts/setup.sh
gone = $(if $(wildcard $1),,FORCE)

.deps/stamp/build: $(setup_inputs) $(call gone,.deps/onnx/complete) $(call gone,$(cmake))
	@scripts/setup.sh build
.deps/stamp/test: $(setup_inputs) .deps/stamp/build $(call gone,.venv/bin/lit)
	@scripts/setup.sh test
.deps/stamp/style .deps/stamp/fuzz: $(setup_inputs)
	@scripts/setup.sh $(@F)

# Ninja knows when CMake has to run again; only the first configuration is ours.
build/build.ninja: .deps/stamp/build CMakePresets.json
	@$(cmake) --preset release --log-level=WARNING >/dev/null
build-asan/build.ninja: .deps/stamp/build CMakePresets.json
	@$(cmake) --preset asan --log-level=WARNING >/dev/null

build-fuzz/build.ninja: .deps/stamp/build .deps/stamp/fuzz CMakePresets.json
	@$(cmake) --preset fuzz --log-level=WARNING >/dev/null

build: build/build.ninja ## the programs, in build/bin
	@ninja -C build -j $(jobs) $(ninja_flags)

build-tests: build/build.ninja .deps/stamp/test
	@ninja -C build -j $(jobs) all test-programs $(ninja_flags)
build-asan-tests: build-asan/build.ninja .deps/stamp/test
	@ninja -C build-asan -j $(jobs) all test-programs $(ninja_flags)

# The runner's last line is `N passed, N failed`. On failure make would print a line of its own after it, so the runner's
# shell ends make by a signal that makes no noise; where that does not work, an ordinary failure follows.
silently_fail = { kill -s PIPE $$PPID; exit 1; }

test: build-tests build-asan-tests ## every test: unit, lit, e2e; unit and lit once more under asan and ubsan
	@$(tests) build:rooms,unit,lit,e2e build-asan:unit,lit || $(silently_fail)
test-quick: build-tests ## without the sanitizers
	@$(tests) build:rooms,unit,lit,e2e || $(silently_fail)
test-long: build-tests build-asan-tests ## with the slow ones
	@$(tests) --long build:rooms,unit,lit,e2e build-asan:unit,lit || $(silently_fail)
test-asan: build-asan-tests ## unit and lit under asan and ubsan
	@$(tests) build-asan:unit,lit || $(silently_fail)
test-shared: build-tests ## the extended suite, where ../shared lies beside the project
	@$(tests) --may-be-empty build:shared || $(silently_fail)
unit: build-tests ## only the GoogleTest ones
	@$(tests) build:unit || $(silently_fail)
lit: build-tests ## only the lit ones
	@$(tests) build:lit || $(silently_fail)
e2e: build-tests ## only the pytest ones
	@$(tests) build:e2e || $(silently_fail)

seed: build .deps/stamp/test ## docs/SEED.md: every question of the seed, by running the commands
	@.venv/bin/python scripts/seed.py build

docs: build .deps/stamp/test ## docs/OPS.md, from the sources; docs/CORPUS.md, where ../shared lies beside the project
	@.venv/bin/python scripts/ops.py
	@[ ! -d ../shared/corpus ] || .venv/bin/python scripts/corpus.py build

bench: build/build.ninja .deps/stamp/test ## the benchmark programs, and peers and project side by side
	@ninja -C build -j $(jobs) all bench-programs
	@set -e; for program in $$(find build/bin -name 'bench-*' -type f | sort); do $$program; done
	@set -e; for script in $(wildcard bench/*.py); do .venv/bin/python $$script build/bin; done

# Each finding stops its fuzzer and lies in build-fuzz/findings; inputs that reach new code are kept beside it.
fuzz_seconds ?= 60
fuzz: build-fuzz/build.ninja ## each fuzzer of test/fuzz for fuzz_seconds=60
	@ninja -C build-fuzz -j $(jobs) fuzz-programs
	@set -e; for program in $$(find build-fuzz/bin -name 'fuzz-*' -type f | sort); do \
	  name=$${program##*/fuzz-}; mkdir -p build-fuzz/inputs/$$name build-fuzz/findings; \
	  seeds=test/fuzz/seeds/$$name; [ -d $$seeds ] || seeds=; \
	  echo "== $$name"; \
	  $$program -max_total_time=$(fuzz_seconds) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix=build-fuzz/findings/$$name- build-fuzz/inputs/$$name $$seeds; done

check-style: .deps/stamp/build .deps/stamp/style ## clang-format, clang-tidy and the order of the rooms
	@scripts/check_style.sh
format: .deps/stamp/style ## clang-format, in place
	@git ls-files -co --exclude-standard '*.h' '*.cpp' | xargs -r clang-format-19 -i

setup: .deps/stamp/build .deps/stamp/test ## only install what build and test need

clean: ## what was built; not what was installed
	rm -rf build build-asan build-debug build-fuzz build-tidy
