# Sourced after check.sh by suites that use OpenStack's own clients: clients_venv makes build/clients from tests/clients/requirements.txt
# (once; anew when that file changes) and puts its programs (openstack, tempest, python3) first in PATH.

# venv DIR REQUIREMENTS: what the file asks for, in a virtual environment that is made anew when the file changes.
venv() {
    local venv=$PWD/$1 wanted=$PWD/$2
    cmp -s "$wanted" "$venv/requirements.txt" && return 0
    echo "making $1 out of $2"
    rm -rf "$venv"
    python3 -m venv "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" &&
        cp "$wanted" "$venv/requirements.txt"
}

clients_venv() {
    venv build/clients tests/clients/requirements.txt || return 1
    PATH=$PWD/build/clients/bin:$PATH
    # Nothing of the caller's own clouds.
    unset "${!OS_@}"
}

# start_openstack_server DIR: from here on `openstack` is the same command with its start-up paid once (see
# tests/clients/openstack-server.py), until stop_openstack_server.
start_openstack_server() {
    export OPENSTACK_SERVER=$1/openstack.socket
    mkdir -p "$1/bin"
    printf '#!/bin/sh\nexec /usr/bin/env python3 -ISs "%s" "$@"\n' "$PWD/tests/clients/openstack-client.py" >"$1/bin/openstack"
    chmod +x "$1/bin/openstack"
    python3 "$PWD/tests/clients/openstack-server.py" "$OPENSTACK_SERVER" </dev/null &
    openstack_server_pid=$!
    until_true 60 test -S "$OPENSTACK_SERVER" || return 1
    PATH=$1/bin:$PATH
}

stop_openstack_server() {
    [ -n "${openstack_server_pid:-}" ] || return 0
    kill "$openstack_server_pid" 2>/dev/null
    wait "$openstack_server_pid" 2>/dev/null
    return 0
}
