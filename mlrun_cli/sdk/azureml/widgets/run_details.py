"""The table of a run: in a notebook as HTML, elsewhere as text."""

import sys
from typing import Any

__all__ = ["RunDetails"]


class RunDetails:
    """A run that is to be shown, as it is at the time of each call."""

    def __init__(self, run_instance: Any) -> None:
        self._run = run_instance

    def show(self, render_lib: Any = None, widget_settings: Any = None) -> None:
        """Show the run's table in the notebook, or print it."""
        ipython = sys.modules.get("IPython")
        if ipython is not None and ipython.get_ipython() is not None:
            ipython.display.display(self._run)
            return
        rows = {name: str(value) for name, value in self._facts().items()}
        widths = {name: max(len(name), len(value)) for name, value in rows.items()}
        for words in (rows.keys(), rows.values()):
            cells = [word.ljust(width) for word, width in zip(words, widths.values())]
            print("  ".join(cells).rstrip())

    def get_widget_data(self, widget_settings: Any = None) -> "dict[str, Any]":
        """The run's record, metrics and details."""
        return {
            "status": self._run.get_status(),
            "run_properties": {"run_id": self._run.id, **self._run.get_details()},
            "run_metrics": self._run.get_metrics(),
        }

    def _facts(self) -> "dict[str, Any]":
        run = self._run
        return {"Experiment": run.experiment.name, "Id": run.id, "Type": run.type, "Status": run.get_status()}
