"""Grid sampling: every combination of the options of all choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.sweeps.expressions import Expression
from mlrun_cli.sweeps.sampling import Trial


class GridSampler:
    """Samples the combinations in order; the last parameter varies fastest, as in nested loops.

    A combination is computed from its number, so that a grid may be of any size.
    """

    def __init__(self, space: Mapping[str, Expression]) -> None:
        self._options = {name: expression.options for name, expression in space.items()}

    def sample(self, run_number: int, trials: Sequence[Trial] = ()) -> dict[str, Any]:  # noqa: ARG002 - see `Sampler`
        """Return the combination of parameter values with this run number; see `Sampler`."""
        indexes: list[int] = []
        for options in reversed(self._options.values()):
            run_number, index = divmod(run_number, len(options))
            indexes.append(index)
        return {name: options[indexes.pop()] for name, options in self._options.items()}
