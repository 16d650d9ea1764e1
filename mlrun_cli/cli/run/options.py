"""Options that several subcommands of `run` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.option_values import OnInterrupt

RunId = Annotated[
    str,
    Option("--run", "-r", metavar="ID", help="Id of the run, its first characters, its display name, or @latest."),
]
RunIds = Annotated[
    list[str],
    Option("--run", "-r", metavar="ID", help="Id of a run, its first characters, its display name, or @latest."),
]
SomeRunIds = Annotated[
    list[str] | None,
    Option("--run", "-r", metavar="ID", help="Id of a run, its first characters, its display name, or @latest."),
]
ExperimentName = Annotated[
    str | None,
    Option("--experiment-name", "-e", metavar="NAME", help="Experiment. Default: the attached folder's."),
]
RunconfigName = Annotated[
    str | None,
    Option("--run-configuration-name", "-c", metavar="NAME", help="Runconfig, such as 'sklearn' or 'config/train'."),
]
SourceDirectory = Annotated[
    Path | None,
    Option("--source-directory", metavar="FOLDER", help="Folder of the script. Default: --path."),
]
Async = Annotated[bool, Option("--async", help="Return immediately, without streaming the log.")]
CondaDependencies = Annotated[
    Path | None,
    Option(
        "--conda-dependencies",
        "-d",
        metavar="FILE",
        help="Conda file or requirements.txt of pip to use instead of the runconfig's.",
    ),
]
TargetName = Annotated[
    str | None,
    Option("--target", "--ct", metavar="NAME", help="Compute target instead of the runconfig's."),
]
ScriptAndArguments = Annotated[
    list[str] | None,
    Argument(
        metavar="[SCRIPT [ARGUMENT]...]",
        help="Script and arguments to use instead of the runconfig's. Without arguments, the runconfig's are used.",
    ),
]
IsCommand = Annotated[
    bool,
    Option("--command", help="Start what follows as a command, such as python -m train, instead of a script."),
]
DryRun = Annotated[bool, Option("--dry-run", help="Show what would run; start and store nothing.")]
SweepDryRun = Annotated[bool, Option("--dry-run", help="Show what would be drawn and run; start and store nothing.")]
AllExperiments = Annotated[bool, Option("--all-experiments", help="Runs of all experiments in the workspace.")]
Last = Annotated[int | None, Option("--last", metavar="N", help="The newest N runs.")]
Environment = Annotated[
    str | None,
    Option(
        "--environment",
        metavar="pinned|relaxed|dated[:DAY]|current",
        help="relaxed: unavailable versions are not pinned; dated: unpinned packages are as they were on the day "
        "of the last commit of the conda file, or on DAY (2020-06-01); current: the python on PATH. "
        "Default: MLRUN_ENVIRONMENT, else pinned.",
    ),
]
UnknownTarget = Annotated[
    str | None,
    Option(
        "--unknown-target",
        metavar="local",
        help="Run locally if the workspace does not have the target. Default: MLRUN_TARGETS, else refuse.",
    ),
]
Ci = Annotated[
    CiName,
    Option(
        "--ci",
        help="Groups, error annotations and a summary for this CI system. Default: by the variables of the job.",
    ),
]
All = Annotated[bool, Option("--all", help="All runs that match the filters.")]
NoPager = Annotated[bool, Option("--no-pager", help="Print a long table at once, even on a terminal.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace files with different content.")]
OnInterruptOption = Annotated[
    OnInterrupt | None,
    Option(
        "--on-interrupt",
        help="Effect on the run if this command is interrupted (Ctrl-C) or ends: none (detach), or cancel.",
    ),
]
