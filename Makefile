# What one does here; `make` alone says so. Everything made lands in target/, build/ and dist/.

.DEFAULT_GOAL := help
.PHONY: help demo run build release guest deps packages test test-slow test-quick bench fuzz fmt lint deny clean

export CARGO_TERM_COLOR ?= $(if $(TERM),auto,never)
LISTEN ?= 127.0.0.1:8774

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Boot a real VM through all 16 steps and show them (KEEP=1 leaves it up)
	@tests/demo.sh

run: build ## Run the cloud here, with its data in build/data (LISTEN=127.0.0.1:8774)
	@mkdir -p build/data
	target/debug/cloudbox serve --data-dir "$(CURDIR)/build/data" --listen $(LISTEN) \
	    --hypervisor "qemu:///embed?root=$(CURDIR)/build/libvirt"

build: deps ## Build the binary, quickly (target/debug/cloudbox)
	cargo build --locked

release: deps ## Build the binary as it is released (target/release/cloudbox)
	cargo build --locked --release

guest: deps ## Make the small guest image (build/guest.qcow2)
	@tests/guest/build.sh build/guest.qcow2

deps: ## Install the Debian packages that are missing
	@packaging/system-packages.sh

packages: deps ## Make dist/cloudbox_*_amd64.deb and dist/cloudbox-*.x86_64.rpm
	@packaging/system-packages.sh packaging
	cargo build --locked --profile dist --bin cloudbox
	@packaging/build.sh target/dist/cloudbox dist

test: deps ## Run the whole suite (ONLY="format guest" runs those suites)
	@tests/run.sh $(ONLY)

test-slow: deps ## Run the slow tier: Debian with real cloud-init, and the fuzz targets; some minutes
	@SLOW=1 tests/run.sh cloud-init packages fuzz

test-quick: deps ## Run what needs no guest: format, lints, cargo's tests
	@tests/run.sh format lint cargo

# Nightly's, and a minute to install.
build/tools/bin/cargo-fuzz:
	CARGO_TARGET_DIR=build/tools/target cargo install cargo-fuzz --locked --root build/tools
	@rm -rf build/tools/target

fuzz: build/tools/bin/cargo-fuzz ## Fuzz what anybody can send, a minute each (FUZZ_SECONDS)
	@tests/fuzz.sh

bench: deps ## Run the benchmarks
	cargo bench --locked

fmt: ## Format the source
	cargo fmt --all

lint: ## Run clippy, warnings denied
	cargo clippy --locked --workspace --all-targets -- -D warnings

# Four minutes to install: only here, never in the quick path.
build/tools/bin/cargo-deny:
	CARGO_TARGET_DIR=build/tools/target cargo install cargo-deny --locked --root build/tools
	@rm -rf build/tools/target

deny: build/tools/bin/cargo-deny ## Check licences, sources and duplicate versions of the dependencies
	build/tools/bin/cargo-deny --locked check licenses bans sources

clean: ## Remove everything that was made here
	cargo clean
	rm -rf build dist
