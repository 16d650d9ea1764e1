"""The git commit of a source folder."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from mlrun_cli.core.redaction import Redactor

GIT_PREFIXES = ("azureml.git.", "mlflow.source.git.")
"""How the names of these properties begin."""
_TIMEOUT_SECONDS = 5.0
_QUESTIONS = {
    "head": ("rev-parse", "HEAD", "--abbrev-ref", "HEAD"),
    "remote": ("config", "--get", "remote.origin.url"),
    "changes": ("status", "--porcelain", "--untracked-files=no"),
}


def read_git_properties(folder: Path, environ: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    """Return the properties that Azure sets for a run from a git work tree; empty without a work tree or git.

    Keys: `azureml.git.repository_uri|branch|commit|dirty` and `mlflow.source.git.repoURL|branch|commit`; keys without a
    value from git are omitted.
    """
    if not any((above / ".git").exists() for above in (folder, *folder.parents)):
        return {}
    answers = _run_queries(folder, environ)
    commit, _, branch = answers.get("head", "").partition("\n")
    if not commit:
        return {}
    found = {"branch": branch, "commit": commit}
    if "changes" in answers:
        found["dirty"] = str(bool(answers["changes"]))
    properties = {f"azureml.git.{name}": value for name, value in found.items()}
    properties |= {f"mlflow.source.git.{name}": found[name] for name in ("branch", "commit")}
    if answers.get("remote"):
        address = redactor.redact_text(answers["remote"])
        properties |= {"azureml.git.repository_uri": address, "mlflow.source.git.repoURL": address}
    return properties


def _run_queries(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Run git's queries concurrently and return the outputs of the successful queries."""
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
    for name, process in asked.items():
        try:
            output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            continue
        if process.returncode == 0:
            answers[name] = output.decode("utf-8", "replace").strip()
    return answers
