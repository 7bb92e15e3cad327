#!/bin/bash
# Every test in Rust: with cargo-nextest where it is installed, else with cargo test.
set -uo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT

if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --profile "${NEXTEST_PROFILE:-ci}" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    summary=$(grep -a 'Summary \[' "$log" | tail -1)
    passed=$(grep -oE '[0-9]+ passed' <<<"$summary" | cut -d' ' -f1)
    failed=$(grep -oE '[0-9]+ (failed|timed out)' <<<"$summary" | awk '{ n += $1 } END { print n + 0 }')
else
    cargo test --locked --workspace --no-fail-fast 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    read -r passed failed < <(awk '/^test result:/ { p += $4; f += $6 } END { print p + 0, f + 0 }' "$log")
fi
echo "cargo: ${passed:-0} passed, ${failed:-0} failed"
exit "$status"
