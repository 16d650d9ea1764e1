"""The user's entry script: `init`, called once per worker, `run`, called per batch, and `shutdown`."""

import importlib.util
import inspect
import os
import sys
from typing import Any

from azureml._parallel_run.batches import MiniBatch


class InvalidResult(Exception):
    """The return value of `run` is not a valid result."""


class MiniBatchContext:
    """The information about a mini batch for a `run` function with a second parameter."""

    def __init__(self, batch: MiniBatch) -> None:
        self.minibatch_index = batch.number
        self.partition_key_value = batch.partition or None


class EntryScript:
    """A loaded entry script.

    Raises:
        AttributeError: it has no function `run`.
        Exception: whatever the script itself raises.
    """

    def __init__(self, path: str) -> None:
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
        name = os.path.splitext(os.path.basename(path))[0]
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        self._run = getattr(module, "run", None)
        self._shutdown = getattr(module, "shutdown", None)
        if self._run is None:
            raise AttributeError(f"{path} has no function run(mini_batch).")
        init = getattr(module, "init", None)
        if init is not None:
            init()

    def run(self, batch: MiniBatch, items: Any) -> Any:
        """Call the script's `run` function with the items of a batch and return the result.

        Raises:
            InvalidResult: it is None, or has no length.
        """
        assert self._run is not None
        arguments = [items, MiniBatchContext(batch)] if _takes_context(self._run) else [items]
        result = self._run(*arguments)
        if result is None or not hasattr(result, "__len__") or isinstance(result, (str, bytes)):
            message = (
                "run() returns a list or a data frame, with an item for each of the batch's that was done, not {}."
            )
            raise InvalidResult(message.format(type(result).__name__))
        return result

    def shut_down(self) -> None:
        """Call the script's `shutdown` function, if it has one."""
        if self._shutdown is not None:
            self._shutdown()


def format_rows(result: Any) -> str:
    """Return the items of a result as lines of text, with spaces between the values of a data frame's row."""
    if hasattr(result, "to_csv"):
        return str(result.to_csv(sep=" ", header=False, index=False))
    lines: list[str] = []
    for item in result:
        if hasattr(item, "to_csv") and hasattr(item, "columns"):
            lines.append(str(item.to_csv(sep=" ", header=False, index=False)))
        else:
            lines.append(f"{item}\n")
    return "".join(lines)


def _takes_context(function: Any) -> bool:
    """Return whether a script's `run` function takes the mini-batch context as its second parameter."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    second: inspect.Parameter | None = positional[1] if len(positional) > 1 else None
    return second is not None and (second.default is inspect.Parameter.empty or "context" in second.name)
