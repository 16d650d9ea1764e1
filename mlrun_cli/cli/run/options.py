"""Options that several verbs of `run` share."""

from __future__ import annotations

from typing import Annotated

import typer

from mlrun_cli.cli.option_values import OnInterrupt

RunId = Annotated[
    str,
    typer.Option("--run", "-r", metavar="ID", help="Id of the run, its beginning, or @latest."),
]
RunIds = Annotated[
    list[str],
    typer.Option("--run", "-r", metavar="ID", help="Id of a run, its beginning, or @latest."),
]
SomeRunIds = Annotated[
    list[str] | None,
    typer.Option("--run", "-r", metavar="ID", help="Id of a run, its beginning, or @latest."),
]
ExperimentName = Annotated[
    str | None,
    typer.Option("--experiment-name", "-e", metavar="NAME", help="Default: the attached folder's."),
]
Last = Annotated[int | None, typer.Option("--last", metavar="N", help="The newest N runs.")]
Environment = Annotated[
    str | None,
    typer.Option(
        "--environment",
        metavar="pinned|relaxed|dated[:DAY]|current",
        help="relaxed: versions that cannot be had are left open; dated: what is not pinned is as it was on the day "
        "of the last commit of the conda file, or on DAY (2020-06-01); current: the python on PATH. "
        "Default: MLRUN_ENVIRONMENT, else pinned.",
    ),
]
UnknownTarget = Annotated[
    str | None,
    typer.Option(
        "--unknown-target",
        metavar="local",
        help="Run here what is for a target that the workspace does not have. Default: MLRUN_TARGETS, else refuse.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="All runs that the filters leave.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that have other content.")]
OnInterruptOption = Annotated[
    OnInterrupt | None,
    typer.Option(
        "--on-interrupt", help="What Ctrl-C, or the end of this command, does to the run: nothing (detach), or cancel."
    ),
]
