#!/bin/bash
# The whole test suite: tests/run.sh [NAME...]
#
# Runs every executable tests/suites/NN-NAME.sh in order, or those named, each in the root of the checkout and with a
# limit on its time. A suite fails by its exit status. When it prints a line that ends in "N passed, N failed", the
# last such line is its count, else it counts as one. Quick suites come first: a slip in the formatting need not wait
# for a guest to boot. STOP=1 stops at the first suite that fails.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

limit=${SUITE_TIMEOUT:-1500}
passed=0 failed=0 broken=() stopped=
log=$(mktemp)
trap 'rm -f "$log"' EXIT

selected() {
    [ $# -gt 1 ] || return 0
    local name=$1 wanted
    shift
    for wanted in "$@"; do
        [[ $name == *"$wanted"* ]] && return 0
    done
    return 1
}

# count STATUS: adds up the suite that has just written $log.
count() {
    local line suite_passed=0 suite_failed=0
    line=$(grep -aoE '[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)
    if [ -n "$line" ]; then
        suite_passed=${line%% *}
        suite_failed=${line#*, }
        suite_failed=${suite_failed%% *}
    elif [ "$1" = 0 ]; then
        suite_passed=1
    fi
    # A suite that died says nothing of what it did not come to.
    [ "$1" = 0 ] || [ "$suite_failed" != 0 ] || suite_failed=1
    passed=$((passed + suite_passed))
    failed=$((failed + suite_failed))
}

run_suite() {
    local path=$1 name started=$SECONDS status
    name=$(basename "$path" .sh)
    echo
    echo "━━ $name"
    timeout --foreground --kill-after=30 "$limit" "$path" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    [ "$status" != 124 ] || echo "$name: not done after $limit s"
    count "$status"
    if [ "$status" != 0 ]; then
        broken+=("$name")
        [ -z "${STOP:-}" ] || stopped=1
    fi
    echo "── $name: $([ "$status" = 0 ] && echo ok || echo FAILED) in $((SECONDS - started)) s"
}

found=
for path in tests/suites/[0-9]*.sh; do
    selected "$(basename "$path" .sh)" "$@" || continue
    found=1
    run_suite "$path"
    [ -z "$stopped" ] || break
done
[ -n "$found" ] || { echo "no such suite: $*" >&2; exit 2; }

echo
[ ${#broken[@]} = 0 ] || echo "failed: ${broken[*]}"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ ${#broken[@]} = 0 ]
