"""The `openstack` command with its start-up paid once: a suite of hundreds of commands takes seconds, not minutes.

    openstack-server.py SOCKET      imports the command, then forks for each request

A request comes from `openstack-client.py`, which stands in for the command: arguments, environment, directory and the
three standard streams of its caller. What runs in the fork is the command's own entry point. Ends with its parent.
"""

import array
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
import time

import openstackclient
import openstackclient.shell


def import_commands():
    for package in ("common", "compute.v2", "identity.v3", "image.v2", "network.v2", "volume.v3"):
        module = importlib.import_module(f"openstackclient.{package}")
        for found in pkgutil.iter_modules(module.__path__, module.__name__ + "."):
            importlib.import_module(found.name)


def receive(connection):
    streams = array.array("i")
    data, ancillary, _, _ = connection.recvmsg(1 << 20, socket.CMSG_SPACE(3 * streams.itemsize))
    for level, kind, sent in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            streams.frombytes(sent[: len(sent) - len(sent) % streams.itemsize])
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 20)
    return json.loads(data), list(streams)


def run(request, streams):
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["openstack", *request["arguments"]]
    try:
        status = openstackclient.shell.main(request["arguments"])
    except SystemExit as ended:
        status = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else 1 if status else 0


def serve(connection):
    with connection:
        request, streams = receive(connection)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = run(request, streams)
            finally:
                os._exit(status)
        for stream in streams:
            os.close(stream)
        _, ended = os.waitpid(child, 0)
        connection.sendall(b"%d\n" % (os.waitstatus_to_exitcode(ended) & 0xFF))


def end_with_parent():
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def main():
    import_commands()
    threading.Thread(target=end_with_parent, daemon=True).start()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        while True:
            # One at a time, in the only thread that forks: that is how suites ask.
            serve(listener.accept()[0])


main()
