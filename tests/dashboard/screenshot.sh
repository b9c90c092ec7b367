#!/bin/sh
# Makes docs/dashboard.png from the running stack. Needs Node.js with npm, and chromium.
set -eu
cd "$(dirname "$0")/../.."
for name in chromium chromium-browser google-chrome-stable google-chrome; do
  browser=$(command -v "$name") && break
done
[ -n "${browser:-}" ] || { echo "error: no chromium (Debian: apt-get install chromium)" >&2; exit 1; }
mkdir -p target/screenshot docs
cp petstore/tests/pages/package.json petstore/tests/pages/package-lock.json target/screenshot/
npm ci --prefix target/screenshot --ignore-scripts --no-audit --no-fund --silent
exec node tests/dashboard/screenshot.js target/screenshot/node_modules "$browser" docs/dashboard.png
