"""What the program that writes runs as one page is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

MOST_RUNS = 200
"""As many as the studio compares."""


class ExportOrder(NamedTuple):
    """Which runs are to be written.

    Attributes:
        home: `$MLRUN_HOME`.
        place: subscription, resource group and name of the workspace.
        run_ids: one for a run's page, several for a comparison with the first of them.
    """

    home: str
    place: tuple[str, str, str]
    run_ids: Sequence[str]

    def to_json(self) -> str:
        """The order as one word of a command line."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> ExportOrder:
        """The order that `to_json` wrote."""
        document = json.loads(text)
        return cls(document["home"], tuple(document["place"]), document["run_ids"])
