"""The notification rules of a workspace, in a file that only its user can read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.locks import acquire_lock
from mlrun_cli.core.named_tuple import NamedTuple

RULES_NAME = "notifications.json"
ENDS = ("completed", "failed", "canceled")


class Rule(NamedTuple):
    """A notification rule: the address, and the ends of runs and the experiment to which it applies."""

    rule_id: int
    address: str
    on: tuple[str, ...]
    experiment_name: str | None = None

    def matches(self, outcome: str, experiment_name: str) -> bool:
        """Return whether the rule applies to a run that ended as `outcome`, such as `failed`, in this experiment."""
        return outcome in self.on and self.experiment_name in {None, experiment_name}


def read_rules(folder: Path) -> Sequence[Rule]:
    """Return the valid notification rules of the workspace in a folder.

    Raises:
        OSError: the file cannot be read.
    """
    document = read_json(folder / RULES_NAME) or {}
    found = (_parse_rule(entry) for entry in document.get("rules", ()) if isinstance(entry, dict))
    return [rule for rule in found if rule is not None]


@contextmanager
def edit_rules(folder: Path) -> Iterator[list[Rule]]:
    """Lock a workspace's rules and yield them as a mutable list that is saved if the block ends without an exception.

    Raises:
        OSError: the file cannot be read or written.
    """
    descriptor = acquire_lock(folder / f"{RULES_NAME}.lock", fcntl.LOCK_EX)
    try:
        rules = list(read_rules(folder))
        yield rules
        write_json(folder / RULES_NAME, {"rules": [rule._asdict() for rule in rules]})
    finally:
        os.close(descriptor)


def _parse_rule(entry: dict[str, Any]) -> Rule | None:
    """Parse a rule from its entry in the file, or return None if the entry is invalid."""
    try:
        return Rule(
            int(entry["rule_id"]), str(entry["address"]), tuple(map(str, entry["on"])), entry.get("experiment_name")
        )
    except (KeyError, TypeError, ValueError):
        return None
