"""Lines from one process to another: what the receiving end makes of a standard input that cannot be read."""

from __future__ import annotations

import subprocess
import sys

_RECEIVE = "from mlrun_cli.notifier.received_lines import receive_lines; print(list(receive_lines(0.1)))"


def test_lines_end_if_standard_input_is_closed() -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", _RECEIVE]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("['']\n", "")
