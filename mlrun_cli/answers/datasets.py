"""Calls from processes of version 0.1 that outlive an upgrade; kept until version 0.3."""

from mlrun_cli.answers.forwarding import ForwardedCalls

CALLS = ForwardedCalls("datasets")
