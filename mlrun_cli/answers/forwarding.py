"""Calls that a process of version 0.1 has not loaded before an upgrade: a process of this version handles each.

What such a process, a worker or a notebook, has in memory does not go together with what lies on the disk now: nothing
of this version is imported here. Until version 0.3.
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
    """The calls about a noun, as version 0.1 looks them up."""

    def __init__(self, noun: str) -> None:
        self._noun = noun

    def get(self, verb: str) -> Any:
        """Return the function that handles a call."""
        return partial(_forward, f"{self._noun}.{verb}")


def _forward(call: str, place: Any, **arguments: Any) -> Any:
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
    """Return an error from which version 0.1 makes the same response."""
    names = sys.modules["mlrun_cli.answers.refusals"]._NAMES
    base = sys.modules["mlrun_cli.errors"].MlrunError
    kind = next((kind for kind, name in names.items() if name == type_name), base)
    error: Any = kind.__new__(kind)
    error.message, error.hint = message, None
    return error  # type: ignore[no-any-return]
