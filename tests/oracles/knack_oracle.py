"""Runs in a venv with knack: reads one JSON request per line on stdin, writes one JSON response per line to stdout.

A request has `value`, `query` (or null), `format` and `colour`; the answer has `text`, or `error`.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from knack.cli import CLI
from knack.commands import CLICommand, CLICommandsLoader
from knack.util import CLIError


def answer(request: dict[str, Any]) -> dict[str, str]:
    """Return the output of a knack command that returns the value."""

    class Loader(CLICommandsLoader):  # type: ignore[misc]
        def load_command_table(self, args: object) -> Any:
            del args
            self.command_table["show"] = CLICommand(self.cli_ctx, "show", lambda _: request["value"])
            return self.command_table

    words = ["show", "-o", request["format"]]
    if request["query"] is not None:
        words += ["--query", request["query"]]
    out = io.StringIO()
    cli = CLI(cli_name="oracle", config_dir=sys.argv[1], config_env_var_prefix="ORACLE", commands_loader_cls=Loader)
    cli.enable_color = request["colour"]
    if cli.invoke(words, out_file=out) != 0:
        return {"error": type(cli.result.error).__name__}
    return {"text": out.getvalue()}


def main() -> None:
    """Respond to requests until stdin ends."""
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except (CLIError, SystemExit) as error:
            reply = {"error": type(error).__name__}
        print(json.dumps(reply), flush=True)


main()
