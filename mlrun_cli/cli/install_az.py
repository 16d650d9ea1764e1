"""`install-az`: put an `az` into a folder, for the PATH of pipelines written for Azure."""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from pathlib import Path
from typing import Annotated

import typer

from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.shared import Shared
from mlrun_cli.errors import MlrunError
from mlrun_cli.files.az_script import az_behind, write_az
from mlrun_cli.files.project_config import absolute

app = Group("install-az")

_PROGRAMS = ("mlrun", "mlrun-cli")


@command(
    app,
    "install-az",
    examples=[
        ("Put an az into a folder", "mlrun install-az ./bin"),
        ("Have the lines of this shell find it", 'mlrun install-az ./bin && export PATH="$PWD/bin:$PATH"'),
    ],
)
def install_az(
    shared: Shared,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; made if it is not there.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an 'az' that mlrun-cli has not written.")] = False,
) -> object:
    """Put an 'az' into a folder, for the PATH of a pipeline.

    It is mlrun for 'az ml', answers the lines around that which a pipeline needs (login, account, extension,
    configure, group and the like), and hands all others to the az behind it on the PATH, if there is one.
    """
    where = absolute(folder.expanduser())
    own = _own_program()
    path = write_az(where, own, force=force)
    behind = az_behind(os.environ.get("PATH", os.defpath))
    quoted, logged = shlex.quote(str(where)), shlex.quote(f"##vso[task.prependpath]{where}")
    shared.notes.say(f'Put its folder first on the PATH: export PATH={quoted}:"$PATH"')
    shared.notes.say(
        f'For later steps, in GitHub Actions: echo {quoted} >> "$GITHUB_PATH"; in Azure Pipelines: echo {logged}'
    )
    return {"az": str(path), "behind": None if behind is None else str(behind), "mlrun": str(own)}


def _own_program() -> Path:
    """The program that was typed, or the one that was installed with this package."""
    scripts = Path(sysconfig.get_path("scripts"))
    for path in (Path(sys.argv[0]).absolute(), *(scripts / name for name in _PROGRAMS)):
        if path.name in _PROGRAMS and os.access(path, os.X_OK) and path.is_file():
            return path
    raise MlrunError(
        f"The program 'mlrun' is not in {scripts}, where it was installed.", hint="Install mlrun-cli anew."
    )
