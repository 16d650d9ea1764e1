"""`install-az`: install a replacement for `az` in a folder on the PATH of pipelines written for Azure."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

from mlrun_cli.cli.azure.az_script import find_other_az, write_az_script
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.installed_program import find_own_program
from mlrun_cli.folders.project_config import make_absolute

app = Group("install-az")


@command(
    app,
    "install-az",
    examples=[
        ("Install an az in a folder", "mlrun install-az ./bin"),
        ("Use it in this shell", 'mlrun install-az ./bin && export PATH="$PWD/bin:$PATH"'),
    ],
)
def install_az(
    global_options: GlobalOptions,
    folder: Annotated[Path, Argument(metavar="DIR", help="The folder. Created if it does not exist.")],
    force: Annotated[bool, Option("--force", help="Replace an 'az' that was not written by mlrun-cli.")] = False,
) -> object:
    """Install mlrun-cli's replacement for the 'az' command in a folder that a CI pipeline has on its PATH.

    It runs mlrun for 'az ml', handles the other commands that pipelines need (login, account, extension, configure,
    group and the like), and passes all others to the next az on the PATH, if there is one.
    """
    where = make_absolute(folder.expanduser())
    own = find_own_program()
    path = write_az_script(where, own, force=force)
    behind = find_other_az(os.environ.get("PATH", os.defpath))
    quoted, logged = shlex.quote(str(where)), shlex.quote(f"##vso[task.prependpath]{where}")
    global_options.notes.info(f'Put its folder first on the PATH: export PATH={quoted}:"$PATH"')
    global_options.notes.info(
        f'For later steps, in GitHub Actions: echo {quoted} >> "$GITHUB_PATH"; in Azure Pipelines: echo {logged}'
    )
    return {"az": str(path), "behind": None if behind is None else str(behind), "mlrun": str(own)}
