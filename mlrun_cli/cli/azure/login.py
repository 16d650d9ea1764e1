"""`az login`, the first command of most pipelines written for Azure, which only reports that no login is needed."""

from __future__ import annotations

import sys

from typer.core import TyperCommand

NO_LOGIN = "No login is needed: runs are on this machine and belong to the user who starts them."


def _report_no_login_needed() -> int:
    sys.stderr.write(f"{NO_LOGIN}\n")
    return 0


def build_login_command() -> TyperCommand:
    """Return a command that accepts and ignores all options of `az login`."""
    return TyperCommand(
        "login",
        callback=_report_no_login_needed,
        help="Report that no login is needed.",
        hidden=True,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
