"""The folder of one built environment; it alone names the files inside."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mlrun_cli.domain.environment import EnvironmentPlan


class EnvironmentFolder:
    """`environments/<key>/` and the lock file beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = path.with_name(f"{path.name}.lock")
        self.venv = path / "venv"
        self.interpreter = self.venv / "bin" / "python"
        self.requirements = path / "requirements.txt"
        self.installed = path / "installed.txt"
        self._complete = path / "complete.json"

    def is_complete(self) -> bool:
        """Whether the build was finished and its interpreter (a link to the base) can still be run."""
        return self._complete.exists() and os.access(self.interpreter, os.X_OK)

    def record_complete(self, document: dict[str, Any]) -> None:
        """Write the marker that makes the environment valid, durably and last."""
        # The marker must not survive a power cut that loses the packages written before it.
        os.sync()
        beside = self._complete.with_suffix(".part")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._complete)
        directory = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def built_interpreter(plan: EnvironmentPlan) -> Path | None:
    """The interpreter that runs the script, or None when it is not there (yet)."""
    if plan.build is not None and not EnvironmentFolder(Path(plan.build.folder)).is_complete():
        return None
    return Path(plan.interpreter) if os.access(plan.interpreter, os.X_OK) else None
