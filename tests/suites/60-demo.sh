#!/bin/bash
# The demo keeps its promise: a real guest through all 16 steps, and nothing left of it.
set -uo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0

check() {
    if grep -qE "$2" "$log"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "✗ $1"; fi
}

tests/demo.sh 2>&1 | tee "$log"
[ "${PIPESTATUS[0]}" = 0 ] && passed=1 || { failed=1; echo "✗ it ends well"; }
for step in $(seq 16); do check "step B$step" "^B$step +.* ok *\$"; done
check "all 16 steps" '^16 of 16 steps'
check "a shell in the guest" 'demo, Linux'
check "nothing is left" 'nothing is left of it'
echo "demo: $passed passed, $failed failed"
[ "$failed" = 0 ]
