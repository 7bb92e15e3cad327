#!/bin/bash
# Runs each fuzz target (fuzz/) for FUZZ_SECONDS, a minute when nothing is said, from its seeds and from what earlier runs have
# found. Unsafe code is denied in what is tried, so that no sanitizer is needed: panics, overflows, and too much time or
# memory are what is looked for.
set -uo pipefail
cd "$(dirname "$0")/../fuzz" || exit 1
export PATH=$PWD/../build/tools/bin:$PATH RUSTUP_TOOLCHAIN=${FUZZ_TOOLCHAIN:-nightly}
export CARGO_TARGET_DIR=${FUZZ_TARGET_DIR:-$PWD/target}
seconds=${FUZZ_SECONDS:-60} passed=0 failed=0

cargo fuzz build --fuzz-dir . --sanitizer none || exit 1
for target in ${FUZZ_TARGETS:-token policy mapping login authorization image}; do
    mkdir -p "corpus/$target" "artifacts/$target"
    if cargo fuzz run --fuzz-dir . --sanitizer none "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=8192 -artifact_prefix="artifacts/$target/" \
        >"artifacts/$target.log" 2>&1; then
        echo "  ✓ $target: $(grep -aoE 'Done [0-9]+ runs' "artifacts/$target.log" | tail -1)"
        passed=$((passed + 1))
    else
        echo "  ✗ $target"
        tail -n 30 "artifacts/$target.log" | cut -c1-300
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
