#!/bin/sh
# What the local stack does in a second with its blobs on the disk and in memory, in turn, since the
# machine has other work too; and what CPU a message costs which process. Prints a table.
# Expects release builds: `just stack-speed` makes them.
set -eu

seconds=${1:-20}
rounds=${2:-2}
root=$(cd "$(dirname "$0")/.." && pwd)
local=$root/target/release/order-items-local
handler=$root/target/release/order-items-reserver
app=$(mktemp -d)
stack=
trap '[ -z "$stack" ] || kill "$stack" 2>/dev/null; rm -rf "$app"' EXIT

mkdir -p "$app/infra/logicapp"
cp -r "$root/host.json" "$root/OrderItemsReserver" "$app/"
cp "$root/infra/logicapp/fallback.definition.json" "$app/infra/logicapp/"
sed "s#target/debug/order-items-reserver#$handler#" "$root/local.settings.json" >"$app/local.settings.json"

# Clock ticks of a process, its own and the kernel's for it.
ticks() { cut -d' ' -f14,15 "/proc/$1/stat" | tr ' ' +; }
figure() { sed -n "s/^ *\"$2\": \([0-9.]*\).*/\1/p" "$1" | head -1; }

run() {
    rm -rf "$app/.local"
    # shellcheck disable=SC2086 # several options, or none
    "$local" --root "$app" --ports auto --no-build --no-petstore $2 >"$app/said" 2>&1 &
    stack=$!
    tries=0
    until [ -s "$app/.local/stack.json" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || { cat "$app/said" >&2; exit 1; }
        sleep 0.1
    done
    child=$(cat "/proc/$stack/task/$stack/children" /proc/$stack/task/*/children 2>/dev/null | tr ' ' '\n' | sort -u | sed '/^$/d' | head -1)
    "$local" --root "$app" load --max --for "${seconds}s" --json >"$app/report"
    accepted=$(figure "$app/report" accepted)
    per=$(getconf CLK_TCK)
    of_stack=$(($(ticks "$stack"))) of_handler=$(($(ticks "$child")))
    cost() { echo $(($1 * 1000000 / per / accepted)); }
    printf '| %-9s | %16.0f | %8s | %13s | %15s |\n' "$1" "$(figure "$app/report" storedThroughput)" \
        "$accepted" "$(cost "$of_stack")" "$(cost "$of_handler")"
    kill -INT "$stack"
    wait "$stack" || true
    stack=
}

echo "| blobs     | stored a second  | messages | µs CPU, stack | µs CPU, handler |"
echo "|-----------|-----------------:|---------:|--------------:|----------------:|"
round=0
while [ "$round" -lt "$rounds" ]; do
    run "on disk" ""
    run "in memory" "--in-memory"
    round=$((round + 1))
done
