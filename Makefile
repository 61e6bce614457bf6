# make check   before each commit: format, lint, unit tests (under a minute, warm)
# make test    everything CI runs: check, race detector, end to end with real parts (installs Debian packages as root)
# make docs    writes the pages of docs/ that are made from code anew
# make bench-check   speed targets, measured on this machine; no part of CI
GO      ?= go
TOOL    := $(GO) tool -modfile=tools/go.mod
UNIT     = $(shell $(GO) list ./... | grep -v /test/)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.PHONY: all build check fmt lint unit race e2e setup modules test packages docs man bench-check fuzz clean

all: build

build:
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/postseal ./cmd/postseal

fmt:
	$(TOOL) gofumpt -w .

lint:
	@out=$$($(TOOL) gofumpt -l .); if [ -n "$$out" ]; then echo "not gofumpt-clean (make fmt):"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

unit:
	$(GO) test -timeout 25m $(UNIT)

check: lint unit

race:
	$(GO) test -race -count=1 -timeout 25m $(UNIT)

setup:
	test/setup

# asks a module proxy again that is away for a moment; what is still missing then, the build tells
modules:
	@for f in go.mod tools/go.mod packaging/go.mod; do \
	  for try in 1 2 3; do $(GO) mod download -modfile=$$f && break || sleep 5; done; \
	done

# the pages of docs/ that are made from code and data; tests say when one is stale
docs:
	$(GO) test ./internal/manual -run ConfigurationPage -update
	$(GO) test ./cmd/postseal -run CommandsPage -update
	$(GO) test ./internal/check ./internal/doctor -run Documentation -update
	$(GO) test ./internal/daemon -run SituationsPage -update
	$(GO) test ./internal/requirements -run Documentation -update

# man pages, plain and as the packages carry them
man:
	rm -rf out/man
	$(GO) run ./internal/manual/mkman docs out/man
	gzip -9nk out/man/*.[58]

# deb and rpm for amd64 and arm64, into out/
packages: man
	rm -f out/*.deb out/*.rpm
	packaging/build

e2e: setup build packages
	POSTSEAL=$(CURDIR)/bin/postseal $(GO) test -count=1 -timeout 25m ./test/...

test: setup modules check race e2e

bench-check: build
	$(GO) run ./test/bench -postseal bin/postseal

# make fuzz PKG=./dkim FUZZ=FuzzParseSignature TIME=10m
TIME ?= 1m
fuzz:
	$(GO) test -run XXX -fuzz '^$(FUZZ)$$' -fuzztime $(TIME) $(PKG)

clean:
	rm -rf bin out
