# windlass: `make demo` shows it, `make test` runs everything that CI runs, `make bench` measures.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
CACHE := $(or $(WINDLASS_CACHE_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/windlass)
TOOLS := $(CACHE)/tools
CASES ?= conformance/cases
FEATURES := windlass-cli/failpoints,windlass-core/fuzzing

.PHONY: demo test setup tools servers fmt lint core-tree nextest doctest docs deny typos conformance rest-conformance interop bench compare crash fuzz-check python orchestrators differential differential-settings soak soak-sample tests-built fuzz fuzz-files fuzz-files-sample

demo: setup
	cargo build --release -p windlass-cli
	scripts/demo

setup:
	@scripts/fetch-duckdb

tools:
	@scripts/fetch-tools "$(TOOLS)"

# Servers that tests start for themselves.
servers:
	@scripts/fetch-servers

# The tests come last, so that the run closes with the line of the test runner.
test: setup tools servers fmt typos lint core-tree deny docs doctest fuzz-check python tests-built soak-sample fuzz-files-sample nextest

fmt:
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check

typos:
	"$(TOOLS)/bin/typos"

lint:
	cargo clippy --workspace --all-targets --features $(FEATURES) -- -D warnings
	cargo clippy -p windlass --no-default-features --all-targets -- -D warnings

# The core has no I/O and no async.
core-tree:
	! cargo tree -p windlass-core -e normal | grep -E 'tokio|reqwest|duckdb|object_store'

deny:
	"$(TOOLS)/bin/cargo-deny" --log-level error check bans licenses sources

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --features $(FEATURES)

doctest:
	cargo test --workspace --doc --features $(FEATURES)

fuzz-check:
	cargo check --manifest-path fuzz/Cargo.toml

# Any folder of recorded cases: make conformance CASES=DIR
conformance: setup
	cargo run -p windlass-conformance --bin windlass-conformance -- $(CASES)

# Any folder of recorded exchanges of REST APIs: make rest-conformance CASES=DIR
rest-conformance: setup
	cargo run -p windlass-conformance --bin windlass-rest-conformance -- \
	  $(if $(filter command environment,$(firstword $(origin CASES))),$(CASES),conformance/rest)

# Runs broken off at every point in every way, and run again; writes its results into docs/guarantees.md.
# WINDLASS_CRASH=1/7 tries each seventh cell only.
crash: setup
	WINDLASS_CRASH=$(or $(WINDLASS_CRASH),full) cargo test -p windlass-cli --features windlass-cli/failpoints --test crash -- \
	  --nocapture the_whole_matrix

# dlt 1.31.0 and windlass take turns at one dataset; needs Python and PyPI.
INTEROP := $(CACHE)/interop-python
interop: setup
	cargo build -p windlass-cli
	test -x "$(INTEROP)/bin/python" || python3 -m venv "$(INTEROP)"
	"$(INTEROP)/bin/pip" install --quiet -r interop/requirements.txt
	"$(INTEROP)/bin/python" interop/test_interop.py

# The Python package, built for tests, and its own tests.
PYTHON := $(CACHE)/python-tests
python: setup
	test -x "$(PYTHON)/bin/maturin" || { python3 -m venv "$(PYTHON)" && "$(PYTHON)/bin/pip" install --quiet "maturin>=1.9,<2"; }
	cd python && VIRTUAL_ENV="$(PYTHON)" "$(PYTHON)/bin/maturin" develop --quiet --extras test
	cd python && "$(PYTHON)/bin/python" -m pytest -q tests

# The helpers for orchestrators and notebooks, each beside the real package in an environment of its own.
orchestrators: python
	"$(PYTHON)/bin/python" python/tests/orchestrators/run.py $(ORCHESTRATORS)

# The same scripts under dlt 1.31.0 and under windlass, compared: make differential CASES=DIR
differential: python
	test -x "$(INTEROP)/bin/python" || python3 -m venv "$(INTEROP)"
	"$(INTEROP)/bin/pip" install --quiet -r python/differential/requirements.txt
	DLT_PYTHON="$(INTEROP)/bin/python" WINDLASS_PYTHON="$(PYTHON)/bin/python" "$(PYTHON)/bin/python" python/differential/run.py \
	  $(if $(filter command environment,$(firstword $(origin CASES))),$(CASES),python/differential/cases)

# Settings of generated layouts as dlt 1.31.0, the Python package and the command line find them:
# make differential-settings ARGUMENTS="--record conformance/settings.json"
differential-settings: python
	test -x "$(INTEROP)/bin/python" || python3 -m venv "$(INTEROP)"
	"$(INTEROP)/bin/pip" install --quiet -r python/differential/requirements.txt
	cargo build -p windlass-conformance --bin windlass-settings
	DLT_PYTHON="$(INTEROP)/bin/python" WINDLASS_PYTHON="$(PYTHON)/bin/python" \
	  WINDLASS_SETTINGS="$(CARGO_TARGET_DIR)/debug/windlass-settings" \
	  "$(PYTHON)/bin/python" python/differential/settings/run.py $(ARGUMENTS)

# Coverage-guided fuzzing, each target for so many minutes in all; goes on where results/fuzz.jsonl stands: make fuzz MINUTES=30
fuzz:
	test -x "$(TOOLS)/bin/cargo-fuzz" || cargo install cargo-fuzz --locked --root "$(TOOLS)"
	python3 fuzz/run.py --cargo-fuzz "$(TOOLS)/bin/cargo-fuzz" --minutes $(or $(MINUTES),30) --results results/fuzz.jsonl $(TARGETS)

# Random CSV, JSON and Parquet files beside Python's own readers; goes on where results/files.jsonl stands:
# make fuzz-files N=100000
fuzz-files: python
	cargo build --release -p windlass-cli
	"$(PYTHON)/bin/python" fuzz/files/run.py --windlass "$(CARGO_TARGET_DIR)/release/windlass" --files $(or $(N),1000) \
	  --results results/files.jsonl

fuzz-files-sample: python tests-built
	"$(PYTHON)/bin/python" fuzz/files/run.py --windlass "$(CARGO_TARGET_DIR)/debug/windlass" --files 400

# Pipelines killed from outside at random moments (soak/README.md); goes on where results/soak.jsonl stands: make soak KILLS=10000
soak: python
	cargo build --release -p windlass-cli
	"$(PYTHON)/bin/python" soak/run.py --windlass "$(CARGO_TARGET_DIR)/release/windlass" --kills $(or $(KILLS),10000) \
	  --results results/soak.jsonl

# A few of them on every run of the tests, by the binary that those use.
soak-sample: python tests-built
	"$(PYTHON)/bin/python" soak/run.py --windlass "$(CARGO_TARGET_DIR)/debug/windlass" --kills 60 --each 4

tests-built:
	cargo nextest run --workspace --features $(FEATURES) --no-run

nextest:
	cargo nextest run --workspace --features $(FEATURES) --profile $(or $(NEXTEST_PROFILE),default)

bench: setup
	bench/run

# This checkout beside another commit, on the same work: make compare BASE=COMMIT
compare: setup
	bench/compare --base $(BASE)
