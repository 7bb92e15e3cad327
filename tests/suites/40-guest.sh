#!/bin/bash
# The small guest image, on its own under plain QEMU.
set -euo pipefail
exec tests/guest/check.sh
