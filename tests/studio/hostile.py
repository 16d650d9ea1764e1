"""A workspace in which everything that a run can name or write tries to run a script in the viewer's browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from mlrun_cli.serving.urls import WorkspaceUrls
from mlrun_cli.studio.app import FILES, PAGES
from tests.running import Mlrun
from tests.studio.run_maker import RunMaker

MARK = "window.pwned=1"
NAME = f"\"'><img src=x onerror={MARK}>"
"""May be an experiment, a file or a tag; with what ends an attribute and begins an element."""

TEXT = f"{NAME}<script>{MARK}</script><svg onload={MARK}></svg><a href='javascript:{MARK}'>a</a>{{{{7*7}}}}</script>"
DESCRIPTION = (
    f"{TEXT}\n\n[bad](javascript:{MARK}) ![far](https://elsewhere.test/x.png)\n\n<style>*{{color:red}}</style>"
)
SECRET = "swordfish-8642"

_SCRIPT = f"""
import base64, json, os, sys
from azureml.core import Run

NAME, TEXT = {NAME!r}, {TEXT!r}
run = Run.get_context()
for value in (1.0, 0.5):
    run.log(NAME, value)
    run.log("loss", value)
run.log("once", 1.0)
run.log("text", TEXT)
run.log_table("a table", {{NAME: [1.0, 2.0], TEXT: [TEXT, TEXT]}})
run.log_confusion_matrix("a matrix", {{
    "schema_type": "confusion_matrix", "schema_version": "v1",
    "data": {{"class_labels": [NAME, TEXT], "matrix": [[1, 2], [3, 4]]}},
}})
os.makedirs("outputs", exist_ok=True)
with open("dot.png", "wb") as file:
    file.write(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="))
run.log_image(NAME, path="dot.png")
for name in (NAME + ".txt", "a.html", "a.svg", "a.json", "a.csv", "a.md"):
    with open(os.path.join("outputs", name), "w") as file:
        file.write({{
            "a.json": json.dumps({{TEXT: TEXT}}),
            "a.csv": "x,y\\n1," + TEXT + "\\n",
            "a.svg": "<svg xmlns='http://www.w3.org/2000/svg'><script>{MARK}</script></svg>",
        }}.get(name, TEXT))
print(TEXT)
print("\\x1b]8;;javascript:{MARK}\\x07link\\x1b]8;;\\x07 \\x1b[31m" + TEXT + "\\x1b[0m")
raise ValueError(TEXT)
"""


class HostileRuns:
    """Creator of hostile runs, through a script that is really run.

    Attributes:
        run_id: of the run of that script.
        others: of further runs, some of them its children.
        pipeline_id: of a published pipeline.
        pipeline_run_id: of its run.
        step_run_id: of a step of that run.
    """

    def __init__(self, mlrun: Mlrun) -> None:
        mlrun.script(_SCRIPT)
        mlrun.script(TEXT, f"{NAME}.py")
        (mlrun.folder / ".azureml" / "secret.runconfig").write_text(
            f"script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n"
            f"  environmentVariables:\n    API_TOKEN: {SECRET}\n",
            encoding="utf-8",
        )
        words = ("-c", "secret", "-e", NAME, "train.py", TEXT, f"https://me:{SECRET}@example.org/x")
        self.run_id = mlrun.submit(*words)
        mlrun.script(f"{TEXT}\n{TEXT}", f"{NAME}.py")
        second = mlrun.submit("-e", NAME, "train.py")
        for run_id in (self.run_id, second):
            mlrun.wait_for_status(run_id, "Failed")
        tags = [
            word for tag in (f"{NAME}={TEXT}", NAME.replace("=", ":"), "quality=good") for word in ("--add-tag", tag)
        ]
        mlrun("run", "update", "-r", self.run_id, *tags, "--display-name", TEXT, "--description", DESCRIPTION)
        make = RunMaker(mlrun.database.parent)
        columns: dict[str, Any] = {
            "user_name": TEXT,
            "target": NAME,
            "display_name": TEXT,
            "script_name": NAME,
            "description": TEXT,
        }
        pairs: dict[str, Any] = {"tags": {NAME: TEXT}, "properties": {NAME: TEXT}, "metrics": {NAME: 0.5, "once": 2.0}}
        mlrun.script(json.dumps(_build_pipeline()), "pipeline.yml")
        published = mlrun.json("pipeline", "create", "-y", "pipeline.yml", "-n", NAME, "-d", TEXT, "-v", TEXT)
        self.pipeline_id = str(published["id"])
        submitted = mlrun.json("run", "submit-pipeline", "-i", self.pipeline_id, "-n", NAME, "-p", f"rate={TEXT}")
        self.pipeline_run_id = str(submitted["run_id"])
        mlrun.wait_for_status(self.pipeline_run_id, "Failed")
        (step,) = mlrun.json("pipeline", "list-steps", "-r", self.pipeline_run_id)
        self.step_run_id = str(step["run_id"])
        self.others = [second, make(NAME, **columns, **pairs), make(NAME, parent=self.run_id, **columns, **pairs)]

    def addresses(self, pages: WorkspaceUrls) -> Iterator[str]:
        """Return the URL of every page as a visitor would reach it, including pages added later."""
        names: Mapping[str, str] = {
            "experiment": quote(NAME, safe=""),
            "run_id": quote(self.run_id, safe=""),
            "pipeline_id": quote(self.pipeline_id, safe=""),
        }
        runs = [("run", run_id) for run_id in (self.run_id, *self.others)]
        charts = [("chart", f"curve:{_word(NAME)},loss:step"), ("chart", f"value:{_word(NAME)}:last")]
        queries = {
            "/runs": [f"search={quote(TEXT)}&metric={quote(TEXT)}", urlencode([*charts, ("target", NAME)])],
            "/experiments": [urlencode({"search": NAME})],
            "/compare": [urlencode([*runs, *charts, ("find", NAME)])],
            "/submit": [urlencode({"like": self.run_id}), urlencode({"script": TEXT, "arguments": TEXT})],
            "/runs/{run_id}/logs": [urlencode({"name": NAME, "find": TEXT})],
            "/runs/{run_id}/difference": [urlencode({"with": self.others[0], "path": f"{NAME}.py"})],
        }
        for path, _ in (*PAGES, *FILES):
            for file in self._files(path) if "{path:file}" in path else [""]:
                filled = re.sub(r"\{(\w+)\}", lambda found: names[found[1]], path.replace("{path:file}", quote(file)))
                yield f"{pages}{filled}"
                yield from (f"{pages}{filled}?{query}" for query in queries.get(path, ()))
        yield f"{pages.root}/?all=1"
        yield f"{pages.root}/{quote(TEXT)}"
        yield pages.run(NAME)
        for run_id, tab in ((self.pipeline_run_id, "graph"), (self.step_run_id, "step")):
            yield from (pages.run(run_id), pages.run(run_id, tab))
        yield WorkspaceUrls(pages.root, NAME, NAME, NAME).runs()

    @staticmethod
    def _files(path: str) -> list[str]:
        if "snapshot" in path:
            return ["train.py", f"{NAME}.py"]
        return ["user_logs/std_log.txt", *(f"outputs/{name}" for name in (f"{NAME}.txt", "a.html", "a.svg", "a.json"))]


def _build_pipeline() -> dict[str, Any]:
    step = {
        "type": "PythonScriptStep",
        "name": NAME,
        "script_name": f"{NAME}.py",
        "source_directory": ".",
        "arguments": ["parameter:rate", TEXT],
        "parameters": {"rate": {"source": "rate"}},
    }
    parameters = {"rate": {"type": "string", "default": TEXT}}
    return {"pipeline": {"name": NAME, "description": TEXT, "parameters": parameters, "steps": {NAME: step}}}


def _word(name: str) -> str:
    return re.sub(r"[:,\\]", lambda found: f"\\{found[0]}", name)
