"""The details of a run, updated until the run has ended in a notebook, and printed once elsewhere."""

import sys
from typing import Any

__all__ = ["RunDetails"]


class RunDetails:
    """A widget that displays a run."""

    def __init__(self, run_instance: Any) -> None:
        self._run = run_instance

    def show(self, render_lib: Any = None, widget_settings: Any = None) -> None:
        """Display the run in the current notebook cell and keep it up to date or, outside of notebooks, print a table.

        The call returns immediately. The saved notebook contains the last state shown.
        """
        if _is_in_notebook():
            from azureml.widgets._cells import show_run

            show_run(self._run)
            return
        rows = {name: str(value) for name, value in self._build_summary_cells().items()}
        widths = {name: max(len(name), len(value)) for name, value in rows.items()}
        for words in (rows.keys(), rows.values()):
            cells = [word.ljust(width) for word, width in zip(words, widths.values())]
            print("  ".join(cells).rstrip())

    def get_widget_data(self, widget_settings: Any = None) -> "dict[str, Any]":
        """Return the run's status, details and metrics as a dict with Azure's keys."""
        return {
            "status": self._run.get_status(),
            "run_properties": {"run_id": self._run.id, **self._run.get_details()},
            "run_metrics": self._run.get_metrics(),
        }

    def _build_summary_cells(self) -> "dict[str, Any]":
        """Return the experiment, id, type and status of the run, keyed by heading."""
        run = self._run
        return {"Experiment": run.experiment.name, "Id": run.id, "Type": run.type, "Status": run.get_status()}


def _is_in_notebook() -> bool:
    """Return whether this process displays its output in notebook cells; IPython in a terminal does not."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and not any(kind.__name__ == "TerminalInteractiveShell" for kind in type(shell).__mro__)
