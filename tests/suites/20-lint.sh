#!/bin/bash
# No warning from rustc or clippy.
set -euo pipefail
cargo clippy --locked --quiet --workspace --all-targets -- -D warnings
echo "no warnings"
