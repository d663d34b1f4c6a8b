# SPDX-License-Identifier: Apache-2.0
#
# make run     install what is missing, build, start the service, show it the demo chunk, serve until Ctrl-C
# make test    install what is missing, build, run every test
# make clients  cloud-volume and tensorstore read every level of every kind of volume from the service
# make check   formatting, layers, licence lines
# make build   the program alone: .build/release/pyramidion
# make fuzz    run each fuzzer for SECONDS=60
# make sanitize  run the Swift tests under the address and the thread sanitizer
# make load    ten minutes of load and more; figures to docs/reliability.md
# make upload-load  one upload of GIB=20, raw and gzip; figures to docs/reliability.md
# make bench   the table of Benchmarks/README.md, measured here; ONLY=kernels,posts,... for a part
# make format  rewrite the sources as the formatter has them
# make clean   forget what was built

SWIFT   ?= swift
PYTHON  ?= python3
# The program links what is Swift's statically; tests cannot, so they are built in a folder of their own.
PROGRAM := .build/release/pyramidion
VENV    := .venv
VECTORS := Tests/Data/vectors
PORT    ?= 8080

.PHONY: help run build test test-swift test-live clients check lint layers fuzz sanitize load upload-load bench format \
	vectors clean deps deps-test
.NOTPARALLEL:

help:
	@sed -n 's/^# make/make/p' Makefile

deps:
	@scripts/deps.sh build

deps-test:
	@scripts/deps.sh test

build: deps
	$(SWIFT) build -c release --static-swift-stdlib --product pyramidion

run: build
	@PORT=$(PORT) ONCE=$(ONCE) PYRAMIDION=$(PROGRAM) scripts/demo.sh

test: deps-test build test-swift test-live

test-swift: $(VECTORS)/manifest.json
	PYRAMIDION_VECTORS=$(CURDIR)/$(VECTORS) $(SWIFT) test -c release --scratch-path .build-test --disable-xctest

test-live: $(VENV)/.ready $(VECTORS)/manifest.json
	PYRAMIDION=$(PROGRAM) PYRAMIDION_VECTORS=$(VECTORS) $(VENV)/bin/python -m pytest Tests/Live

# By hand and in CI: cloud-volume brings some fifty packages along, so `make test` does without it.
clients: build $(VENV)/.clients-ready
	PYRAMIDION=$(PROGRAM) $(VENV)/bin/python -m pytest Tests/Clients

$(VENV)/.clients-ready: Tests/Clients/requirements.txt $(VENV)/.ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tests/Clients/requirements.txt
	@touch $@

vectors: $(VECTORS)/manifest.json

$(VECTORS)/manifest.json: Tests/Data/vectors.tar.xz
	tar -xJf $< -C Tests/Data
	@touch $@

$(VENV)/.ready: Tests/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Tests/requirements.txt
	@touch $@

check: deps-test lint layers
	@scripts/check-sources.sh

lint:
	$(SWIFT) format lint --strict --parallel -r -p Sources Tests Benchmarks Package.swift

layers:
	@$(PYTHON) scripts/check-layers.py

fuzz: deps
	scripts/fuzz.sh $(or $(SECONDS),60)

sanitize: deps $(VECTORS)/manifest.json
	PYRAMIDION_VECTORS=$(CURDIR)/$(VECTORS) scripts/sanitize.sh

load: build $(VENV)/.ready
	PYRAMIDION=$(PROGRAM) $(VENV)/bin/python scripts/load.py --write docs/reliability.md

upload-load: build $(VENV)/.ready
	PYRAMIDION=$(PROGRAM) $(VENV)/bin/python scripts/upload-load.py --gib $(or $(GIB),20) --write docs/reliability.md

format:
	$(SWIFT) format -i --parallel -r Sources Tests Benchmarks Package.swift

# What the benchmarks build is one more target of the same package: it measures the shipped modules themselves.
bench: deps-test build $(VENV)/.bench-ready
	PYRAMIDION_BENCHMARKS=1 $(SWIFT) build -c release --static-swift-stdlib --product KernelBenchmark
	PYRAMIDION=$(PROGRAM) $(VENV)/bin/python Benchmarks/bench.py .build/release/KernelBenchmark $(if $(ONLY),--only $(ONLY))

$(VENV)/.bench-ready: Benchmarks/requirements.txt $(VENV)/.ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r Benchmarks/requirements.txt
	@touch $@

clean:
	rm -rf .build .build-test .build-fuzz .build-address .build-thread $(VENV) $(VECTORS)
