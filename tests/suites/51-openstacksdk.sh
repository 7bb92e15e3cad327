#!/bin/bash
# Each service through openstacksdk, against make-believe guests and networks, over TLS.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
trap 'stop_cloud; rm -rf "$work" "$check_output"' EXIT
cloud_listen=0.0.0.0
ensure_cloud_binary && clients_venv && start_fake_cloud "$work" || exit 1
python3 tests/clients/sdk_tour.py
