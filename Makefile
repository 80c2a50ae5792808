# Morton's tasks; `make help` lists them. Each does its own set-up (scripts/setup), so `make run` is enough on a fresh Debian 12.

.DEFAULT_GOAL := help
.PHONY: help build release check test test-flink mutants test-all race fuzz bench validate shaders check-shaders reference run corpus train setup clean

# The Go that set-up picked comes first, and may fetch the toolchain that go.mod names.
export PATH := $(CURDIR)/.cache/bin:$(PATH)
export GOTOOLCHAIN := auto
# FFmpeg and Vulkan are reached through cgo.
export CGO_ENABLED := 1
# Mesa keeps compiled kernels here, which saves lavapipe seconds a kernel. It reuses them across vector widths, so each width has its own.
export MESA_SHADER_CACHE_DIR ?= $(CURDIR)/.cache/mesa/$(or $(LP_NATIVE_VECTOR_WIDTH),default)

# What to work on, and for how long: make test PKGS=./mesh/... · make fuzz FUZZ=GLTF FUZZTIME=10m · make bench BENCH=MatMul
PKGS ?= ./...
FUZZ ?= .
FUZZTIME ?= 60s
BENCH ?= .

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

build: setup ## build bin/morton
	go build -o bin/ ./jobs/morton

release: setup ## build bin/release/morton: stripped, and without this machine's paths
	go build -trimpath -ldflags '-s -w' -o bin/release/ ./jobs/morton

run: build ## generate video, shapes and quads from testdata into out/
	scripts/run

check: setup ## formatting, vet, staticcheck, import arrows, shader freshness, scripts' syntax
	scripts/check $(PKGS)

test: setup ## run the tests (make check vets); the time of each package, and the longest tests at the end
	scripts/test -vet=off -timeout=12m $(PKGS)

test-all: setup ## run every test at every shape and subgroup width, which compiles kernels for an hour
	MORTON_TEST=all scripts/test -vet=off -timeout=120m $(PKGS)

test-flink: setup ## run jobs on a real Flink, which it fetches (400 MB; needs Java 17, Maven and pip)
	scripts/test-flink

mutants: setup ## tokenize 1,000 damaged files: nothing may crash, and each must be accounted for
	scripts/mutants

race: setup ## run the short tests under the race detector
	go test -race -short -timeout 30m $(PKGS)

fuzz: setup ## run each fuzz target that matches FUZZ for FUZZTIME
	FUZZ='$(FUZZ)' FUZZTIME=$(FUZZTIME) scripts/fuzz $(PKGS)

bench: setup ## run the benchmarks that match BENCH
	go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m $(PKGS)

validate: setup ## run the engine's tests under Vulkan's validation layer, and hold operations to what they declare
	scripts/validate

shaders: setup--shaders ## compile every kernel and rewrite the shaders.sum files
	go run ./internal/shaderbuild

check-shaders: setup--shaders ## compile every kernel and compare with what is committed
	go run ./internal/shaderbuild -check

reference: setup ## rewrite docs/reference/commands from the commands
	go generate ./jobs/morton

corpus: setup--corpus ## fetch freely licensed clips and meshes into corpus/ (135 MB)
	scripts/corpus

train: build ## tokenize corpus/ and train the shipped models
	scripts/train

setup: ## install what is missing (Debian 12; needs root or sudo only then)
	@scripts/setup

.PHONY: setup--shaders setup--corpus
setup--shaders setup--corpus: setup--%: setup
	@scripts/setup --$*

clean: ## remove what was built and generated, and the caches
	rm -rf bin out .cache
