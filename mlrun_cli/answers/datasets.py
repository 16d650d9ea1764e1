"""Calls of processes of version 0.1, alive after an upgrade; until version 0.3."""

from mlrun_cli.answers.forwarding import ForwardedCalls

CALLS = ForwardedCalls("datasets")
