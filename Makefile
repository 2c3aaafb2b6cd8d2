# `make up` starts everything; `make test` is what CI runs.

CLIENTS := gateway/tests/clients
CONSOLE := gateway/console
# CI builds with settings of its own, and lints while it builds.
CARGO := cargo
CLIPPY := $(CARGO) clippy --locked --workspace --all-targets -- -D warnings

.PHONY: up test lint unit clients console generate bench proof clean

up:
	@deploy/setup
	@$(MAKE) --no-print-directory console || \
		echo "make: the console could not be built, so the gateway has none" >&2
	cargo build --locked
	@exec target/debug/frontdesk dev

test: setup-tests console lint unit clients

# The page of staff, which the next build of the gateway has in it; without it there is none.
# It is built anew when it, the protos or its packages have changed.
console: $(CONSOLE)/dist/index.html

CONSOLE_SOURCES := $(shell find $(CONSOLE)/src $(CONSOLE)/tools proto/frontdesk proto/third_party -type f \
	-not -path '$(CONSOLE)/src/generated/*')

$(CONSOLE)/dist/index.html: $(CONSOLE)/node_modules/.package-lock.json $(CONSOLE)/buf.gen.yaml $(CONSOLE)/buf.gen.later.yaml $(CONSOLE_SOURCES)
	cd $(CONSOLE) && npm run --silent generate && npm run --silent build

$(CONSOLE)/node_modules/.package-lock.json: $(CONSOLE)/package.json $(CONSOLE)/package-lock.json
	cd $(CONSOLE) && npm ci --no-fund --no-audit --loglevel=error
	@touch $@

.PHONY: setup-tests
setup-tests:
	@deploy/setup --tests
	cd $(CLIENTS) && npm install --no-save --no-fund --no-audit --loglevel=error

lint: console
	cargo fmt --all --check
	$(CLIPPY)
	cd proto && ../$(CLIENTS)/node_modules/.bin/buf lint
	cd proto && ../$(CLIENTS)/node_modules/.bin/buf format --diff --exit-code
	cd $(CONSOLE) && npm run --silent types
	shellcheck deploy/setup deploy/lint deploy/with-postgres deploy/release deploy/licences deploy/sbom \
		deploy/try-systemd deploy/scripts/*.sh deploy/compose/secrets deploy/compose/passwords.sh .ci/run \
		gateway/transcode/tests/conformance/run gateway/tests/schemathesis/run services/frontdesk/tests/system/program/systemd/*
	deploy/lint
	PATH="$(CURDIR)/target/lint/bin:$$PATH" cargo deny --locked check --hide-inclusion-graph bans licenses sources

# Tests wait more than they count (for a look that comes every few seconds, half a minute of
# silence, a lock), so there are two more at a time than cores.
unit: console
	cd $(CONSOLE) && npm run --silent unit
	$(CARGO) test --locked --workspace -- --test-threads=$$(( $$(nproc) + 2 ))

# The published gRPC-Web and Supabase clients, and a browser with passkeys and the console,
# against the program that the tests run: built alone, its dependencies have other features, and
# all of it is built a second time.
clients: console
	$(CARGO) test --locked --workspace --no-run
	cd $(CLIENTS) && npm run --silent generate && npm test --silent
	cd $(CONSOLE) && npm run --silent browser

# Measures on this machine; numbers are comparable within one run only. The console's are with
# the program that cargo has built for its benches.
bench: console
	cargo bench --locked -p transcode --bench transcode
	cargo bench --locked -p boot --bench log
	cargo bench --locked -p frontdesk --bench gateway --bench stack --bench identity --bench booking --bench sign_ins
	cargo bench --locked -p frontdesk --bench revocations -- 1000000
	cd $(CONSOLE) && FRONTDESK="$(CURDIR)/target/release/frontdesk" npm run --silent bench

# Orders in which the statements of a few calls can reach Postgres; ARCHITECTURE.md says what that
# shows and what it does not. `make proof ARGUMENTS="--replay '...'"` runs one that failed. Built
# as CI builds, which takes minutes once: an order then takes half the time.
proof:
	$(CARGO) --config .ci/cargo.toml run --locked --quiet -p proof -- $(ARGUMENTS)

# Writes the Rust code of the .proto files, the OpenAPI document, what README and
# deploy/env.example say of settings, and what the migrations make.
generate:
	FRONTDESK_GENERATE=1 cargo test -p frontdesk-proto --test generated
	@# Again: the checks are written by what the code of the first run knows of options.
	FRONTDESK_GENERATE=1 cargo test -p frontdesk-proto --test generated
	FRONTDESK_GENERATE=1 cargo test -p frontdesk --test system the_document_of_the_api_is_current
	FRONTDESK_GENERATE=1 cargo test -p frontdesk --test house settings::
	FRONTDESK_GENERATE=1 cargo test -p frontdesk --test system the_files_of_what_the_migrations_make_are_current

clean:
	cargo clean
	rm -rf $(CLIENTS)/node_modules $(CLIENTS)/generated
	rm -rf $(CONSOLE)/node_modules $(CONSOLE)/src/generated
	find $(CONSOLE)/dist -type f ! -name .gitignore -delete
