"""`python call_target.py WORKSPACE RUN_ID METHOD`: calls a method of a run's target and prints the result."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator


def count_children() -> int:
    """Return the number of children of this process, ended ones that nobody has waited for included."""
    return len(Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split())


def main() -> None:
    folder, run_id, method = sys.argv[1:]
    with Workspace.connect(parse_locator(folder), redactor=Redactor()) as workspace:
        run = workspace.runs.get(run_id)
        target = get_target(workspace, run.target)
        answer: str | bool | list[int]
        if method == "get_liveness":
            answer = target.get_liveness([run])[run.key].value
        elif method == "recover":
            answer = target.recover([run])
        elif method == "prepare":
            with target.prepare_supervisor("never_recorded"):
                during = count_children()
            answer = [during, count_children()]
        else:
            answer = {"wake": target.wake, "kill": target.kill}[method](run)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
