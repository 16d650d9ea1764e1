"""Options of an export, as the command passes them to the program that renders it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlrun_cli.core.named_tuple import NamedTuple

MAX_RUNS = 200
"""The number of runs that the studio compares at most."""


class ExportOptions(NamedTuple):
    """The runs to export as one page.

    Attributes:
        home: `$MLRUN_HOME`.
        identity: subscription, resource group and name of the workspace.
        run_ids: one for a run's page; several for a comparison with the first of them.
    """

    home: str
    identity: tuple[str, str, str]
    run_ids: Sequence[str]

    def to_json(self) -> str:
        """Return the options as one word of a command line."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> ExportOptions:
        """Return the options that `to_json` wrote."""
        document = json.loads(text)
        return cls(document["home"], tuple(document["identity"]), document["run_ids"])
