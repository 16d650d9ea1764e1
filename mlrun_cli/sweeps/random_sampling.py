"""Random sampling, which is the same for the same seed on every machine and version of Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from mlrun_cli.sweeps.expressions import Expression, sample_index
from mlrun_cli.sweeps.sampling import Trial


class RandomSampler:
    """Samples each run's values with its own random generator; from a finite space, each combination at most once.

    Args:
        space: the parameters.
        space_size: see `Sampling.space_size`.
        seed: of all samples.
    """

    def __init__(self, space: Mapping[str, Expression], space_size: int | None, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._shuffle = None if space_size is None else _Shuffle(space_size, seed)

    def sample(self, run_number: int, trials: Sequence[Trial] = ()) -> dict[str, Any]:  # noqa: ARG002 - see `Sampler`
        """Return the parameter values of a run, keyed by name; see `Sampler`."""
        if self._shuffle is not None:
            return self._get_combination(self._shuffle.get_number(run_number))
        generator = Random(f"{self._seed}:{run_number}")  # noqa: S311 - not for secrets
        return {name: expression.sample(generator) for name, expression in self._space.items()}

    def _get_combination(self, index: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, expression in self._space.items():
            index, one = divmod(index, expression.size or 1)
            values[name] = expression.get_value(one)
        return values


class _Shuffle:
    """A random order of the numbers below a size, computed only as far as it is requested.

    It is the shuffle of Fisher and Yates, with a mapping that holds only the places that differ from their number.
    """

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._generator = Random(str(seed))  # noqa: S311 - not for secrets
        self._moved: dict[int, int] = {}
        self._order: list[int] = []

    def get_number(self, index: int) -> int:
        """Return the number at this index in the random order."""
        while len(self._order) <= index:
            first = len(self._order)
            other = first + sample_index(self._generator, self._size - first)
            self._order.append(self._moved.get(other, other))
            self._moved[other] = self._moved.pop(first, first)
        return self._order[index]
