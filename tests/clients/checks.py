"""Counts checks, each a `with check("what is checked"):` block that raises when it fails; `finish` prints the count."""

import contextlib
import sys
import time
import traceback

from keystoneauth1.exceptions import HttpError
from openstack.exceptions import HttpException

_passed = 0
_failed = 0


@contextlib.contextmanager
def check(text):
    global _passed, _failed
    try:
        yield
    except Exception:
        _failed += 1
        print(f"  ✗ {text}")
        print("".join(f"    | {line}\n" for line in traceback.format_exc().splitlines()[-12:]), end="", flush=True)
    else:
        _passed += 1
        print(f"  ✓ {text}", flush=True)


def equal(got, expected):
    if got != expected:
        raise AssertionError(f"got {got!r}, expected {expected!r}")


def refused(status, call):
    """The call fails with this status."""
    try:
        answer = call()
    except HttpException as error:
        equal(error.status_code, status)
    except HttpError as error:
        # keystoneauth's own, when not even a token is given.
        equal(error.http_status, status)
    else:
        raise AssertionError(f"not refused: {answer!r}")


def until(seconds, condition):
    """Again and again until the condition holds; its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.2)
    return value


def finish():
    print(f"{_passed} passed, {_failed} failed")
    sys.exit(1 if _failed else 0)
