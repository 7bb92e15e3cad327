"""Stands in for the `openstack` command: hands its call over to openstack-server.py, whose socket OPENSTACK_SERVER names."""

import array
import json
import os
import socket
import sys

request = {"arguments": sys.argv[1:], "directory": os.getcwd(), "environment": dict(os.environ)}
streams = array.array("i", [0, 1, 2])
with socket.socket(socket.AF_UNIX) as server:
    server.connect(os.environ["OPENSTACK_SERVER"])
    data = json.dumps(request).encode() + b"\n"
    sent = server.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    server.sendall(data[sent:])
    answer = server.recv(16)
sys.exit(int(answer) if answer else 1)
