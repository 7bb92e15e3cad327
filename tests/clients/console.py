#!/usr/bin/env python3
"""Sits at a terminal and uses a guest's serial console: console.py [--stay] COMMAND...

COMMAND runs in a pseudo-terminal; what is typed and waited for is below. --stay does not leave by the escape, but waits for COMMAND to end.
"""

import os
import pty
import select
import sys
import time

stay = sys.argv[1] == "--stay"
command = sys.argv[2 if stay else 1 :]
process, terminal = pty.fork()
if process == 0:
    os.execvp(command[0], command)

seen = b""


def wait_for(*wanted, seconds=40):
    """Reads until one of `wanted` has come since the last time; answers which."""
    global seen
    deadline = time.monotonic() + seconds
    while True:
        for one in wanted:
            if one in seen:
                seen = seen.split(one, 1)[1]
                return one
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            sys.exit(f"waited in vain for {wanted}; the terminal shows {seen!r}")
        try:
            read = os.read(terminal, 4096)
        except OSError:
            read = b""
        if not read:
            sys.exit(f"ended before {wanted}; the terminal shows {seen!r}")
        seen += read


def type_in(keys):
    os.write(terminal, keys)


def ends(seconds):
    """Whether COMMAND ends within `seconds`; its exit status."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                os.read(terminal, 4096)
            except OSError:
                pass
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
    sys.exit("it does not end")


wait_for(b"leaves it")
type_in(b"\r")
prompt = wait_for(b"login: ", b"$ ", b"# ")
if prompt == b"login: ":
    type_in(b"cirros\r")
    wait_for(b"assword: ")
    type_in(b"gocubsgo\r")
    wait_for(b"$ ", b"# ")
print("logged in", flush=True)
# The answer is not what the terminal echoes.
type_in(b"echo $((6 * 7))-is-it\r")
wait_for(b"42-is-it")
# Ctrl-C belongs to the guest.
type_in(b"sleep 1000\r")
wait_for(b"sleep 1000")
time.sleep(1)
type_in(b"\x03")
wait_for(b"$ ", b"# ")
if stay:
    print("its exit status is", ends(90))
    sys.exit()
type_in(b"exit\r")
wait_for(b"login: ")
type_in(b"\r~.")
status = ends(10)
if status != 0:
    sys.exit(f"its exit status is {status}")
print("all of it worked")
