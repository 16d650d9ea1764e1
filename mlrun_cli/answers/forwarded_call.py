"""The program that handles a call forwarded by a process of version 0.1; kept until version 0.3."""

import json
import sys
from pathlib import Path

from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.dispatch import dispatch
from mlrun_cli.rpc.protocol import parse_request


def main() -> None:
    """Read the call from standard input and write the response to standard output."""
    order = json.load(sys.stdin)
    with RequestContext(Path(order["home"]), lambda _: str(order["owner_lock"])) as context:
        json.dump(dispatch(context, parse_request(order["request"])), sys.stdout)


if __name__ == "__main__":
    main()
