# What CI runs, by name. `just` alone lists it.

musl := "x86_64-unknown-linux-musl"

_:
    @just --list --unsorted

# Everything a pull request must pass.
ci: fmt lint deny test instructions infra-check

# Start the whole system on this machine.
local *arguments:
    cargo local {{arguments}}

# The README's picture, from the running stack.
screenshot:
    tests/dashboard/screenshot.sh

# The picture of the architecture from its text. Debian: graphviz.
architecture:
    dot -Tsvg docs/architecture.dot | sed 's/<title>%3/<title>order-items-reserver/; /^<!-- /d; /^ -->/d' >docs/architecture.svg

# 100,000 messages through two instances, with every fault there is; then a kill at each named point.
chaos *arguments:
    cargo build --release --package order-items-reserver
    cargo run --release --package stack -- chaos {{arguments}}
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

# By musl-gcc where it is right, on x86-64 Linux; else by zig. infra/hooks/prepackage.sh says what is missing.
static package:
    #!/bin/sh
    set -eu
    if [ "$(uname -s) $(uname -m)" = "Linux x86_64" ] && command -v musl-gcc >/dev/null; then
        export CC_x86_64_unknown_linux_musl=musl-gcc
        exec cargo build --release --target {{musl}} --package {{package}}
    fi
    exec cargo zigbuild --release --target {{musl}} --package {{package}}

# What azd publishes: dist/function and dist/petstore.
package: release
    infra/package.sh

# infra/ without Azure; `compile` and `golden` write what is committed of it, other arguments go to pytest.
[positional-arguments]
infra-check *arguments:
    infra/check/run "$@"

# Regions and API versions, which age by themselves. Needs the Azure CLI.
infra-refresh: (infra-check "refresh")

measured := "target" / musl / "release/order-items-reserver"
bench := "order-items-bench --"

# Everything benches/README.md tells of; `quick` is shorter and writes nothing.
bench effort="full" *arguments: (static "order-items-reserver")
    benches/peers/install
    cargo run --quiet --profile harness --package {{bench}} run --binary {{measured}} {{ if effort == "quick" { "--quick" } else { "" } }} {{arguments}}

# What the local stack does in a second, what a click takes, and where a message's time goes; `--write` puts it into
# benches/RESULTS.md. Needs Linux and python3.
stack-speed *arguments:
    cargo build --release --package stack --package order-items-reserver --package petstore
    cargo build --profile harness --package order-items-reserver
    cargo test --profile harness --package stack --test it --no-run
    benches/stack.py {{arguments}}

# Instructions per invocation against benches/instructions.budget, or of a batch. Debian: valgrind.
instructions *arguments: (static "order-items-reserver")
    cargo run --quiet --package {{bench}} instructions --binary {{measured}} {{arguments}}

# What the measured figures mean in Azure; arguments change its assumptions.
capacity *arguments:
    cargo run --quiet --package {{bench}} capacity {{arguments}}

# Every fuzz target for so many seconds, one after another; `just fuzz 5` is a smoke test.
fuzz seconds="600":
    fuzz/run {{seconds}}

# Changes of the data path that no test notices; hours. Needs `cargo install cargo-mutants --locked`.
mutants *arguments:
    -cargo mutants --output target --package order-items-reserver --package storage-account --test-package order-items-reserver {{arguments}} -- --lib --test it -- order:: invocation::
    # What those quick tests let through meets all of them.
    cargo mutants --output target --package order-items-reserver --package storage-account --test-package order-items-reserver --iterate --baseline skip --timeout 900 {{arguments}} -- --lib --test it
