#!/bin/sh
# What comes from package registries; the toolchain that rust-toolchain.toml names comes with the first cargo.
set -eu
rustup target add x86_64-unknown-linux-musl
pip install --user --requirement .ci/requirements.txt ziglang cargo-zigbuild
npm install --global azure-functions-core-tools@4 azurite
infra/hooks/prepackage.sh check
echo "Ready: cargo local"
