# `make up` starts everything; `make test` is what CI runs.

CLIENTS := gateway/tests/clients

.PHONY: up test lint unit clients generate bench clean

up:
	@deploy/setup
	cargo build --locked
	@exec target/debug/frontdesk dev

test: setup-tests lint unit clients

.PHONY: setup-tests
setup-tests:
	@deploy/setup --tests
	cd $(CLIENTS) && npm install --no-save --no-fund --no-audit --loglevel=error

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd proto && ../$(CLIENTS)/node_modules/.bin/buf lint
	cd proto && ../$(CLIENTS)/node_modules/.bin/buf format --diff --exit-code
	shellcheck deploy/setup deploy/lint deploy/with-postgres deploy/release deploy/licences deploy/sbom \
		deploy/scripts/*.sh deploy/compose/secrets deploy/compose/passwords.sh .ci/run
	deploy/lint
	PATH="$(CURDIR)/target/lint/bin:$$PATH" cargo deny --locked check --hide-inclusion-graph bans licenses sources

# Tests wait more than they count (for a look that comes every few seconds, half a minute of
# silence, a lock), so there is one more at a time than cores.
unit:
	cargo test --locked --workspace -- --test-threads=$$(( $$(nproc) + 1 ))

# The published gRPC-Web and Supabase clients, and a browser with passkeys, against the program
# that the tests run: built alone, its dependencies have other features, and all of it is built a
# second time.
clients:
	cargo test --locked --workspace --no-run
	cd $(CLIENTS) && npm run --silent generate && npm test --silent

# Measures on this machine; numbers are comparable within one run only.
bench:
	cargo bench --locked -p transcode --bench transcode
	cargo bench --locked -p boot --bench log
	cargo bench --locked -p frontdesk --bench gateway --bench identity --bench booking

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
