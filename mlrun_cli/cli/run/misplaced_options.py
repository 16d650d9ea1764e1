"""Hints about options of submit commands that were written after the script and thus passed to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.cli.output.formats import OutputFormat
from mlrun_cli.cli.run import app
from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.core.text_files import read_text
from mlrun_cli.errors import InvalidFile
from mlrun_cli.runs.run import Run
from mlrun_cli.wire.run_output import make_printable
from mlrun_cli.workspace import Workspace

_WRONG_USAGE = 2
"""The exit code with which argparse and Click refuse a command line."""
_REFUSAL = re.compile(r"(?:unrecognized arguments|no such option):? (.*)", re.IGNORECASE)
_LAST_LINES = 5
_OUTPUT_OPTIONS = {"-o", "--output"}
_UNUSUAL_OPTIONS = {
    "--async",
    "--conda-dependencies",
    "--dry-run",
    "--experiment-name",
    "--only-show-errors",
    "--output-metadata-file",
    "--query",
    "--resource-group",
    "--run-configuration-name",
    "--subscription-id",
    "--workspace-name",
}
"""Options of submits that few scripts have; those of `_OUTPUT_OPTIONS` are so before the name of a format."""


def describe_options_after_script(words: Sequence[str], source: Path, *, is_command: bool) -> str | None:
    """Return a note if options of `submit-script` follow a script that does not seem to define them, or None.

    Args:
        words: the script or the command, and its arguments.
        source: the folder of the script.
        is_command: whether it is a command. One that starts no file of that folder and no Python has options that are
            not known here, such as `kubectl get pods -o json`.
    """
    names = [word.partition("=")[0] for word in words]
    formats = {each.value for each in OutputFormat}
    behind = [
        place
        for place in range(1, len(words))
        if names[place] in _UNUSUAL_OPTIONS or (names[place] in _OUTPUT_OPTIONS and _get_value(words, place) in formats)
    ]
    script = next((word for word in words[: behind[0]] if (source / word).is_file()), None) if behind else None
    if not behind or (script is None and is_command and not Path(words[0]).name.startswith("python")):
        return None
    text = "" if script is None else _read_script(source / script)
    unknown = [place for place in behind if not _mentions_option(text, names[place])]
    if not unknown:
        return None
    shown = ", ".join(dict.fromkeys(names[place] for place in unknown))
    first = make_printable(script or words[0])
    before = "--command" if is_command else first
    return (
        f"What follows {first} is passed to it, also {shown}. Write {'it' if len(unknown) == 1 else 'them'} before"
        f" {before} if mlrun was meant."
    )


def _get_value(words: Sequence[str], index: int) -> str | None:
    """Return the value of the option at an index: the text after its equals sign, the next word, or else None."""
    _, equals, value = words[index].partition("=")
    return value if equals else next(iter(words[index + 1 : index + 2]), None)


def _read_script(path: Path) -> str:
    try:
        return read_text(path)
    except InvalidFile:  # a program, as a rule
        return ""


def _mentions_option(text: str, option: str) -> bool:
    """Return whether a script mentions an option, or defines a name like it, as in `query: str`."""
    name = option.lstrip("-").replace("-", "_")
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])|\b{re.escape(name)}\s*:", text) is not None


def describe_misplaced_options(workspace: Workspace, run: Run, script: str, arguments: Sequence[str]) -> str | None:
    """Return a hint for a failed script if it rejected an option that submit-script would have accepted, else None."""
    declaration = app.find("submit-script")
    if run.exit_code != _WRONG_USAGE or declaration is None:
        return None
    last_lines = read_tail(workspace.get_run_folder(run.run_id).stdout).rstrip().splitlines()[-_LAST_LINES:]
    refused = {word.strip("'\".,") for line in last_lines for found in _REFUSAL.findall(line) for word in found.split()}
    own = {name for each in declaration.read_parameters().all_parameters for name in each.option_names}
    misplaced = [word for word in arguments if word in refused and word.partition("=")[0] in own]
    if not misplaced:
        return None
    names = ", ".join(dict.fromkeys(make_printable(word.partition("=")[0]) for word in misplaced))
    return (
        f"What follows {make_printable(script)} is passed to it, also {names}, which submit-script has too. Write"
        f" {'it' if len(misplaced) == 1 else 'them'} before {make_printable(script)} if submit-script was meant."
    )
