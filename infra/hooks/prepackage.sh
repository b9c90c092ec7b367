#!/bin/sh
# Before azd packages: sees that everything is there that the build needs, and builds dist/.
# Without an argument it builds; `check` only looks.
set -eu
cd "$(dirname "$0")/../.."
target=x86_64-unknown-linux-musl
missing=

lacks() { missing="$missing
  $1"; }

command -v just >/dev/null || lacks "just: pip install rust-just, or cargo install just"
if command -v rustup >/dev/null; then
    rustup target list --installed | grep -qx "$target" || lacks "Rust's target: rustup target add $target"
else
    lacks "rustup: https://rustup.rs"
fi
# musl-gcc compiles for the machine it is on; everywhere else zig does it.
if [ "$(uname -s) $(uname -m)" = "Linux x86_64" ] && command -v musl-gcc >/dev/null; then
    :
elif ! command -v cargo-zigbuild >/dev/null; then
    case "$(uname -s) $(uname -m)" in
    "Linux x86_64") lacks "a C compiler for musl: apt-get install musl-tools, or pip install ziglang cargo-zigbuild" ;;
    Darwin*) lacks "zig: brew install zig && cargo install cargo-zigbuild, or pip3 install ziglang cargo-zigbuild" ;;
    *) lacks "zig: pip install ziglang cargo-zigbuild" ;;
    esac
fi
if [ -n "$missing" ]; then
    printf 'The build for Azure needs:%s\nOr open the repository in its dev container, which has all of it.\n' "$missing" >&2
    exit 1
fi

# azd looks for `dist` below the folder that it was started in, not below azure.yaml.
started=$(readlink "/proc/$PPID/cwd" 2>/dev/null || lsof -a -p "$PPID" -d cwd -Fn 2>/dev/null | sed -n 's/^n//p' || true)
if [ -n "$started" ] && [ "$started" != "$(pwd -P)" ] && [ -n "${AZURE_ENV_NAME:-}" ]; then
    echo "azd was started in $started and would not find dist/ there: use azd --cwd $(pwd -P)" >&2
    exit 1
fi

[ "${1:-}" = check ] || exec just package
