# What CI runs, as targets. `make demo` shows the main job; `make test` passes the tests. Both need Go, git and make only.

GO      ?= go
RACE    := $(shell command -v $$($(GO) env CC) >/dev/null 2>&1 && echo -race)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -X dcsync/internal/cli.version=$(VERSION)
FUZZTIME ?= 10s

.PHONY: build demo test model crash-matrix editors lint generate check-generated fuzz soak bench clean

build: ## the command, in bin/
	$(GO) build -trimpath -ldflags "$(LDFLAGS)" -o bin/dcsync .

demo: build ## validate, plan, apply, intent and drift, against the sandbox
	$(GO) run ./internal/demo bin/dcsync testdata/demo

test: ## all tests; with the race detector where a C compiler is found
	CGO_ENABLED=$(if $(RACE),1,0) $(GO) test $(RACE) ./...

crash-matrix: ## apply killed at every crash point of every scenario, and what the next run makes of it, as a table
	@mkdir -p bin
	@DCSYNC_CRASH_TABLE=$(CURDIR)/bin/crash-matrix.txt $(GO) test -count=1 -run '^TestCrashMatrix$$' ./internal/cli || { cat bin/crash-matrix.txt; exit 1; }
	@cat bin/crash-matrix.txt

model: ## 10,000 steps of random histories, without the race detector
	GOGC=400 DCSYNC_MODEL_STEPS=10000 $(GO) test -count=1 -timeout 30m -run '^TestModel$$' ./internal/run

lint: ## formatting, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

generate: ## what is made from the tables
	$(GO) generate ./...

check-generated: generate ## generated files are as committed
	@git diff --exit-code -- schema/json docs/reference || { echo "run make generate and commit the result"; exit 1; }

editors: ## the schemas under another validator (ajv) and in a YAML language server; needs node
	DCSYNC_EDITOR_TESTS=1 $(GO) test -count=1 -run 'AnotherValidator|LanguageServer' ./schema

fuzz: ## every fuzz target for FUZZTIME each
	GO=$(GO) .ci/fuzz $(FUZZTIME)

bench: ## benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

soak: ## the long proofs, hours
	DCSYNC_SOAK=1 $(GO) test $(RACE) -count=1 -timeout 6h -skip '^TestModel$$' ./...
	GOGC=400 DCSYNC_SOAK=1 $(GO) test -count=1 -timeout 6h -run '^TestModel$$' ./internal/run
	$(MAKE) fuzz FUZZTIME=10m

clean:
	rm -rf bin
