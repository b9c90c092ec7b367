# What CI runs, by name. `just` alone lists it.

musl := "x86_64-unknown-linux-musl"

_:
    @just --list --unsorted

# Everything a pull request must pass.
ci: fmt lint deny test infra-check

# Start the whole system on this machine.
local *arguments:
    cargo local {{arguments}}

# The README's picture, from the running stack.
screenshot:
    tests/dashboard/screenshot.sh

# 100,000 messages through two instances, with every fault there is; then a kill at each named point.
chaos *arguments:
    cargo build --release --package order-items-reserver
    cargo run --release --package devstack -- chaos {{arguments}}
    cargo test --test it crash

test:
    cargo test --workspace

fmt:
    cargo fmt --all --check

lint:
    cargo clippy --workspace --all-targets -- -D warnings

# What may come in: bans, licences, sources.
deny:
    cargo deny --log-level error check bans licenses sources

# Known vulnerabilities; needs the internet.
advisories:
    cargo deny check advisories

# The static release binaries, one by one: together each would get the other's features, too.
release: (static "order-items-reserver") (static "petstore")

# Debian: musl-tools; rustup target add {{musl}}.
static package:
    CC_x86_64_unknown_linux_musl=musl-gcc cargo build --release --target {{musl}} --package {{package}}

# What azd publishes: dist/function and dist/petstore.
package: release
    infra/package.sh

# infra/ without Azure; `golden` and `refresh` rewrite its data, other arguments go to pytest.
[positional-arguments]
infra-check *arguments:
    infra/check/run "$@"

infra-refresh: (infra-check "refresh")
