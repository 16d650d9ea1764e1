"""`python call_target.py WORKSPACE RUN_ID METHOD`: calls a method of a run's target and prints the result."""

from __future__ import annotations

import json
import sys

from mlrun_cli.core.redaction import Redaction
from mlrun_cli.targets.registry import find_target
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator


def main() -> None:
    folder, run_id, method = sys.argv[1:]
    with Workspace.connect(parse_locator(folder), redaction=Redaction()) as workspace:
        run = workspace.runs.get(run_id)
        target = find_target(workspace, run.target)
        answer: str | bool
        if method == "observe":
            answer = target.observe([run])[run.key].value
        elif method == "recover":
            answer = target.recover([run])
        else:
            answer = {"wake": target.wake, "kill": target.kill}[method](run)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
