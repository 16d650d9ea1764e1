"""Help topics, listed by `mlrun help` and printed by `mlrun help TOPIC`, from `mlrun_cli/docs/<topic>.md`."""

from __future__ import annotations

import sys
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from mlrun_cli.cli.help.markdown import render_markdown
from mlrun_cli.cli.help.pages import format_section, get_help_width
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.cli.output.pager import print_text

TOPICS = {
    "concepts": "Folders, runs, supervisors, the store, and how a run goes.",
    "az": "Each line of 'az ml', and what it does here.",
    "runconfigs": "What of a runconfig counts, and how to check one.",
    "environments": "Pythons, conda files and containers of runs.",
    "sweeps": "Hyperparameters: drawing them, and ending runs early.",
    "targets": "Compute targets, queues, GPUs, several processes.",
    "pipelines": "Steps that hand data to each other, and reuse of their results.",
    "sdk": "Python: azureml.core in scripts, drivers and notebooks.",
    "mlflow": "Scripts that log with MLflow or for TensorBoard.",
    "studio": "Web pages of the runs on this machine.",
    "queries": "Output formats, --query, and Azure's way to write one.",
    "ci": "GitHub Actions, Azure Pipelines, plain shell scripts.",
    "moving": "Coming from Azure, MLflow, Guild, W&B or Slurm scripts.",
    "files": "Where things are kept, backups and repair.",
    "variables": "Environment variables that mlrun reads and scripts get.",
    "exit-codes": "Exit codes, signals, stdout and stderr.",
    "security": "Who can read what, and which values are redacted.",
    "figures": "Measured speed, dependencies and what they cost.",
    "contributing": "Where code goes, tests, benchmarks, commits.",
    "changes": "The changelog, newest release first.",
}
"""A summary of each topic, in the order in which they are listed."""

_FOLDER = Path(__file__).parents[2] / "docs"
_TOPIC_OF = {
    "computetarget": "targets",
    "dataset": "files",
    "datastore": "files",
    "environment": "environments",
    "experiment": "concepts",
    "folder": "concepts",
    "install-az": "ci",
    "model": "files",
    "notify": "concepts",
    "queue": "targets",
    "run": "concepts",
    "run list": "queries",
    "run metrics": "queries",
    "run monitor-logs": "exit-codes",
    "run monitor-tensorboard": "mlflow",
    "run open": "studio",
    "run show": "queries",
    "pipeline": "pipelines",
    "run submit-hyperdrive": "sweeps",
    "run submit-pipeline": "pipelines",
    "run submit-script": "runconfigs",
    "run sweep": "sweeps",
    "run wait": "exit-codes",
    "runconfig": "runconfigs",
    "service": "targets",
    "studio": "studio",
    "top": "concepts",
    "workspace": "files",
}
"""The topic for further reading, keyed by command; a command that is missing here has that of its group."""


def find_topic(path: str) -> str | None:
    """Return the topic of a command path such as `mlrun run list`, or else of its group; None if neither has one."""
    words = path.partition(" ")[2].removeprefix("ml ")
    return _TOPIC_OF.get(words) or _TOPIC_OF.get(words.partition(" ")[0])


def read_topic(topic: str) -> str:
    """Return the Markdown text of a topic."""
    return (_FOLDER / f"{topic}.md").read_text(encoding="utf-8")


def print_topic(topic: str) -> None:
    """Print a topic; on a terminal, use a pager."""
    print_text(render_markdown(read_topic(topic), get_help_width(), colour=wants_colour(sys.stdout)))


def print_topics(program: str) -> None:
    """Print the usage of `help`, and a line for each topic."""
    sys.stdout.write(
        f"Usage: {program} help [TOPIC | COMMAND]\n\n"
        f"{format_section('Topics', TOPICS.items(), get_help_width())}\n\n"
        f"'{program} help TOPIC' prints a topic, '{program} -h' lists the commands.\n"
    )


def find_similar_name(word: str, commands: Collection[str]) -> str | None:
    """Return the name of the topic or command most similar to a word, or None if none is similar."""
    return next(iter(get_close_matches(word.lower(), [*TOPICS, *commands], n=1)), None)
