"""The run definition in a run's details."""

from typing import Any, Dict


class RunDefinition(Dict[str, Any]):
    """A run definition whose keys are also found in the spelling of Azure's older documents: `Arguments`.

    Azure's article "Tune hyperparameters" read `get_details()['runDefinition']['Arguments']` until 2021.
    """

    def __missing__(self, key: Any) -> Any:
        newer = key[:1].lower() + key[1:] if isinstance(key, str) else key
        if newer not in self:
            raise KeyError(key)
        return self[newer]
