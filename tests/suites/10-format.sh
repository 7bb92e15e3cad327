#!/bin/bash
# The source is formatted, and the shell scripts parse.
set -euo pipefail
cargo fmt --all --check
git ls-files '*.sh' .ci/run | while read -r script; do bash -n "$script"; done
echo "formatted"
