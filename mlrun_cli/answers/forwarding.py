"""Forwarding of calls from processes of version 0.1 to a new process of this version.

A worker or notebook that was started before an upgrade has modules in memory that do not match those on the disk, so
this module imports nothing from this version. Kept until version 0.3.
"""

import json
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

_PROGRAM = Path(__file__).with_name("forwarded_call.py")


class ForwardedCalls:
    """The calls of an RPC noun, in the form in which version 0.1 looks them up."""

    def __init__(self, noun: str) -> None:
        self._noun = noun

    def get(self, verb: str) -> Any:
        """Return a function that forwards calls of this verb to the current version."""
        return partial(_forward_call, f"{self._noun}.{verb}")


def _forward_call(call: str, place: Any, **arguments: Any) -> Any:
    owner_lock = None
    with suppress(Exception):  # only what opens a run needs one
        owner_lock = place.minder(place.workspace)
    workspace = place._identity
    request = {"call": call, "workspace": workspace, "arguments": arguments}
    order = json.dumps({"home": str(place.home), "owner_lock": owner_lock, "request": request})
    done = subprocess.run([sys.executable, "-E", _PROGRAM], input=order, stdout=subprocess.PIPE, text=True, check=True)
    response = json.loads(done.stdout)
    if "error" in response:
        raise _make_error(response["error"]["type"], response["error"]["message"])
    return response["result"]


def _make_error(type_name: str, message: str) -> Exception:
    """Return an exception that version 0.1 converts back to a response with this type name and message."""
    names = sys.modules["mlrun_cli.answers.refusals"]._NAMES
    base = sys.modules["mlrun_cli.errors"].MlrunError
    kind = next((kind for kind, name in names.items() if name == type_name), base)
    error: Any = kind.__new__(kind)
    error.message, error.hint = message, None
    return error  # type: ignore[no-any-return]
