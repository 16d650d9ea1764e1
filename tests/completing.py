"""Completion of command lines, as a shell asks for it."""

from __future__ import annotations

from tests.running import Mlrun


def complete(mlrun: Mlrun, *words: str, shell: str = "bash", **variables: str) -> list[str]:
    """Return what a shell is answered for the words, of which the last is being typed; no error may be printed."""
    asked = {
        "_MLRUN_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "\n".join(("mlrun", *words)),
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": " ".join(("mlrun", *words)),
        **variables,
    }
    before = dict(mlrun.environment)
    mlrun.environment.update(asked)
    try:
        done = mlrun(check=False)
    finally:
        mlrun.environment.clear()
        mlrun.environment.update(before)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]
