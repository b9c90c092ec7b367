#!/bin/sh
# Lays out what is published, from what `just release` built: dist/function and dist/petstore for
# azd, and the function's binary beside host.json for `func azure functionapp publish` from here.
set -eu
cd "$(dirname "$0")/.."
built=target/x86_64-unknown-linux-musl/release
rm -rf dist
mkdir -p dist/function/OrderItemsReserver dist/petstore
install -m 755 "$built/order-items-reserver" dist/function/
install -m 755 "$built/order-items-reserver" .
install -m 644 host.json dist/function/
install -m 644 OrderItemsReserver/function.json dist/function/OrderItemsReserver/
install -m 755 "$built/petstore" dist/petstore/
