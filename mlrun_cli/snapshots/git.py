"""The git commit of a source folder."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.redaction import Redactor

GIT_PREFIXES = ("azureml.git.", "mlflow.source.git.")
"""How the names of these properties begin."""
_TIMEOUT_SECONDS = 5.0
"""How long a submit waits for all of git's answers together."""
_GRACE_SECONDS = 0.2
"""How long an answer that may be there already is waited for once that time is over."""
_KILL_SECONDS = 0.5
_QUESTIONS = {
    "repository_uri": ("ls-remote", "--get-url"),
    "branch": ("symbolic-ref", "--short", "HEAD"),
    "commit": ("rev-parse", "--verify", "HEAD"),
    "dirty": ("status", "--porcelain", "."),
}
_NO_REMOTE = "origin"
"""What git answers for the address of a work tree without remotes."""
_VARIABLE_PREFIX = "AZUREML_GIT_"
_VARIABLES_ONLY = ("build_id", "build_uri")
_MLFLOW_NAMES = {"repository_uri": "repoURL", "branch": "branch", "commit": "commit"}


def read_git_properties(folder: Path, environ: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    """Return the properties that Azure sets for a run from a git work tree; empty if there is no work tree or no git.

    Keys: `azureml.git.repository_uri|branch|commit|dirty|build_id|build_uri` and
    `mlflow.source.git.repoURL|branch|commit`; keys without a value are omitted. As with azureml-core, a work tree is
    dirty if a file of the source folder was changed or is untracked, a detached HEAD has no branch, and variables such
    as `AZUREML_GIT_BRANCH` take precedence over git.
    """
    found = _read_variables(environ)
    if any((above / ".git").exists() for above in (folder, *folder.parents)):
        found = _read_work_tree(folder, environ) | found
    shown = {name: redactor.redact_text(value) for name, value in found.items()}
    return {f"azureml.git.{name}": value for name, value in shown.items()} | {
        f"mlflow.source.git.{_MLFLOW_NAMES[name]}": value for name, value in shown.items() if name in _MLFLOW_NAMES
    }


def _read_variables(environ: Mapping[str, str]) -> dict[str, str]:
    names = (*_QUESTIONS, *_VARIABLES_ONLY)
    given = {name: environ.get(f"{_VARIABLE_PREFIX}{name.upper()}", "").strip() for name in names}
    if given["dirty"]:
        given["dirty"] = str(given["dirty"].lower() in {"1", "true"})
    return {name: value for name, value in given.items() if value}


def _read_work_tree(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    answers = _run_queries(folder, environ)
    if answers.get("repository_uri") == _NO_REMOTE:
        del answers["repository_uri"]
    if "dirty" in answers:
        answers["dirty"] = str(bool(answers["dirty"]))
    return {name: value for name, value in answers.items() if value}


def _run_queries(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Run all git queries concurrently; return the outputs of the successful ones, keyed by query name."""
    quiet = {**environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        asked = {
            name: subprocess.Popen(
                ("git", *question),
                cwd=folder,
                env=quiet,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for name, question in _QUESTIONS.items()
        }
    except OSError:
        return {}
    answers = {}
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    for name, process in asked.items():
        try:
            output, _ = process.communicate(timeout=max(_GRACE_SECONDS, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _kill_without_waiting(process)
            continue
        if process.returncode == 0:
            answers[name] = output.decode("utf-8", "replace").strip()
    return answers


def _kill_without_waiting(process: subprocess.Popen[bytes]) -> None:
    """Kill a query without waiting for it, since its children or a hanging file system may keep it alive."""
    process.kill()
    if process.stdout is not None:
        process.stdout.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_SECONDS)
