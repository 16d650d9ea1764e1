"""Runs for pages to show, stored as a supervisor would, but without processes."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator


class RunMaker:
    """Creator of runs in the workspace with this folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self,
        experiment: str = "exp",
        *,
        status: RunStatus = RunStatus.COMPLETED,
        parent: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        properties: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        run_id: str | None = None,
        **columns: object,
    ) -> str:
        """Create a run with these columns of the store, and return its id."""
        values = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "local", **columns}
        with (
            Workspace.connect(parse_locator(self._folder), redactor=Redactor()) as workspace,
            workspace.transaction(),
        ):
            found, number = workspace.experiments.reserve_run_numbers(experiment)
            if parent is not None:
                above = workspace.runs.get(parent)
                values |= {"parent_key": above.key, "root_key": above.root_key or above.key}
            run_id = run_id or f"{experiment}_{number}"
            key = workspace.runs.insert(found, number, run_id, status=status, **values)
            workspace.runs.set_tags(key, tags or {})
            workspace.runs.add_properties(key, properties or {})
            logged = [LoggedValue(VALUE, name, 1, None, value, None) for name, value in (metrics or {}).items()]
            workspace.metrics.add(key, logged)
        return run_id

    def log(self, run_id: str, *logged: LoggedValue) -> None:
        """Log these values for a run."""
        with (
            Workspace.connect(parse_locator(self._folder), redactor=Redactor()) as workspace,
            workspace.transaction(),
        ):
            workspace.metrics.add(workspace.runs.get(run_id).key, logged)

    def key(self, run_id: str) -> int:
        """Return the key of a run, by which charts refer to it."""
        with Workspace.connect(parse_locator(self._folder), redactor=Redactor()) as workspace:
            return workspace.runs.get(run_id).key

    def end(self, run_id: str, status: RunStatus = RunStatus.COMPLETED) -> None:
        """Set the status of a run to one in which it has ended."""
        with (
            Workspace.connect(parse_locator(self._folder), redactor=Redactor()) as workspace,
            workspace.transaction(),
        ):
            run: Run = workspace.runs.get(run_id)
            workspace.runs.change_status(run.key, [run.status], status, ended_at=run.created_at + 1)


def query(*pairs: tuple[str, str], **values: str) -> str:
    """Return a query string."""
    return urlencode([*pairs, *values.items()])


def rows(page: str) -> list[str]:
    """Return the ids of the runs in the table of a page, in order."""
    return [html.unescape(found) for found in re.findall(r'name="run" value="([^"]*)" form="compare-runs"', page)]


def heads(page: str) -> list[str]:
    """Return the headings of the table of a page, without arrows."""
    found = re.findall(r"<th [^>]*>(.*?)</th>", page[page.index("data-select-all") :], re.DOTALL)
    texts = [html.unescape(re.sub(r"<[^>]*>", "", text)).strip(" ↑↓\n") for text in found]
    return [text for text in texts if text]


def link(page: str, label: str) -> str:
    """Return the query of the link with this text."""
    for address, text in re.findall(r'<a [^>]*?href="[^"?]*\?([^"]*)"[^>]*>(.*?)</a>', page, re.DOTALL):
        if html.unescape(re.sub(r"<[^>]*>", "", text)).strip() == label:
            return html.unescape(address)
    raise AssertionError(f"There is no link '{label}'.")
