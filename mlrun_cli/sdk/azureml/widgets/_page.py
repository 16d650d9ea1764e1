"""The view of a run in a notebook, with its status, latest metrics, child runs and the end of its log."""

import os
from glob import escape, glob
from html import escape as html
from typing import Any, Dict, List, Sequence

from azureml._client.client import get_client
from azureml._wire.run_folder import ARTIFACTS, ENVIRONMENT_LOG, PROCESS_LOG_PREFIX, STD_LOG
from azureml.core._streaming import format_error
from azureml.core._tables import format_html_table, format_text_table

_LOGS = (STD_LOG, f"{PROCESS_LOG_PREFIX}*", ENVIRONMENT_LOG)
_LAST_BYTES = 16384
_LAST_LINES = 20


class RunPage:
    """A view of a run in its last known state."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._address = run.get_portal_url()
        self._overview: Dict[str, Any] = {}
        self._log: List[str] = []

    def read(self) -> Dict[str, Any]:
        """Read the state of the run for `build_mime_bundle`, and return the run's record."""
        # Read the log after the status, so that all output of an ended run is included.
        self._overview = self._run._request("runs.overview")
        self._log = self._read_last_lines()
        record: Dict[str, Any] = self._overview["run"]
        return record

    def build_mime_bundle(self) -> Dict[str, str]:
        """Return the page as HTML and as plain text, keyed by MIME type."""
        record = self._overview["run"]
        cells = {
            "Experiment": record["_experiment_name"],
            "Id": record["run_id"],
            "Type": record["run_type"],
            "Status": record["status"],
        }
        error = format_error(record.get("error") or {})
        parts = [format_html_table(cells, self._address, "Details Page")]
        if error:
            parts.append(f"<p><b>Error:</b> {html(error)}</p>")
        metrics = self._overview["metrics"]
        if metrics:
            rows = [(each["name"], format_number(each["last"]), each["count"]) for each in metrics]
            parts.append(format_table(("Metric", "Last", "Values"), rows, self._overview["metric_count"]))
        parts += self._build_children_html()
        if self._log:
            log = html("\n".join(self._log))
            parts.append(f'<pre style="max-height:24em;overflow:auto">{log}</pre>')
        return {"text/html": "".join(parts), "text/plain": format_text_table("Run", cells)}

    def _build_children_html(self) -> List[str]:
        """Return the parts of the page, in HTML, about the run's children; empty if there are none."""
        children = self._overview["children"]
        if not children:
            return []
        rows = [(each.get("display_name") or each["run_id"], each["status"], each["run_id"]) for each in children]
        return [format_table(("Run below it", "Status", "Id"), rows, self._overview["child_count"])]

    def _read_last_lines(self) -> List[str]:
        """Return the last lines of the script's log or, if it is empty, of the installer's log."""
        folder = os.path.join(get_client().get_run_folder(self._run._names, self._run.id), ARTIFACTS)
        for pattern in (self._run.LOG_NAME,) if self._run.LOG_NAME else _LOGS:
            for path in sorted(glob(os.path.join(escape(folder), pattern)))[:1]:
                lines = _read_last_lines_of_log(path)
                if lines:
                    return lines
        return []


def _read_last_lines_of_log(log_path: str) -> List[str]:
    try:
        with open(log_path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LAST_BYTES))
            text = file.read(_LAST_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    # For a progress bar, which overwrites its line, use the final text of the line.
    return [line.rstrip("\r").rpartition("\r")[2] for line in text.rstrip("\n").split("\n")][-_LAST_LINES:]


def format_table(headings: Sequence[str], rows: "Sequence[Sequence[Any]]", total_row_count: int) -> str:
    """Return an HTML table, with a caption if it shows only the first of `total_row_count` rows."""
    body = "".join(f"<tr>{''.join(f'<td>{html(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    more = f"<caption>the first {len(rows)} of {total_row_count:,}</caption>" if total_row_count > len(rows) else ""
    return f"<table>{more}<tr>{''.join(f'<th>{html(head)}</th>' for head in headings)}</tr>{body}</table>"


def format_number(value: Any) -> str:
    """Format a number for display, or return an empty string for None."""
    return "" if value is None else f"{value:.6g}"
