"""Options of an export, passed by the command to the program that renders the page."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlrun_cli.core.named_tuple import NamedTuple

MAX_RUNS = 200
"""The maximum number of runs that the studio compares."""


class ExportOptions(NamedTuple):
    """The options of an export of runs as one page.

    Attributes:
        home: `$MLRUN_HOME`.
        identity: subscription, resource group and name of the workspace.
        run_ids: a single id for a run's page; several ids for a comparison with the first one.
    """

    home: str
    identity: tuple[str, str, str]
    run_ids: Sequence[str]

    def to_json(self) -> str:
        """Return the options as a JSON string, for use as a single command-line argument."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> ExportOptions:
        """Create the options from a JSON string that `to_json` returned."""
        document = json.loads(text)
        return cls(document["home"], tuple(document["identity"]), document["run_ids"])
