"""Add, list and remove the notification rules of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlrun_cli.core.names import check_text
from mlrun_cli.errors import FileNotWritable, InvalidValue, NotificationNotFound
from mlrun_cli.notifications.address import check_address, redact_address
from mlrun_cli.notifications.rules import ENDS, RULES_NAME, Rule, edit_rules, read_rules
from mlrun_cli.workspace import Workspace


def add_rule(
    workspace: Workspace, address: str, run_ends: Sequence[str], experiment_name: str | None
) -> dict[str, Any]:
    """Add a notification rule and return its record.

    Raises:
        UsageError: the address or an end is not valid.
        ProgramNotFound: the address needs a package or a program that is not installed.
        FileNotWritable: the rules cannot be written.
    """
    check_text("experiment name", experiment_name or "")
    unknown = [end for end in run_ends if end not in ENDS]
    if unknown or not run_ends:
        raise InvalidValue(
            f"'{', '.join(unknown)}' is not an end of runs.", hint=f"Use {', '.join(ENDS)}, or some of them."
        )
    check_address(address)
    try:
        with edit_rules(workspace.folder) as rules:
            number = 1 + max((rule.rule_id for rule in rules), default=0)
            rules.append(Rule(number, address, tuple(dict.fromkeys(run_ends)), experiment_name))
    except OSError as error:
        raise FileNotWritable(workspace.folder / RULES_NAME, error) from error
    return _build_record(rules[-1])


def list_rules(workspace: Workspace) -> Sequence[dict[str, Any]]:
    """Return the records of all notification rules, with secrets in addresses redacted."""
    return [_build_record(rule) for rule in read_rules(workspace.folder)]


def get_rule(workspace: Workspace, rule_id: int) -> dict[str, Any]:
    """Return the record of the notification rule with this id, with secrets in its address redacted.

    Raises:
        NotificationNotFound: there is none.
    """
    for rule in read_rules(workspace.folder):
        if rule.rule_id == rule_id:
            return _build_record(rule)
    raise NotificationNotFound(rule_id)


def remove_rule(workspace: Workspace, rule_id: int) -> None:
    """Remove the notification rule with this id.

    Raises:
        NotificationNotFound: there is none.
        FileNotWritable: the rules cannot be written.
    """
    try:
        with edit_rules(workspace.folder) as rules:
            kept = [rule for rule in rules if rule.rule_id != rule_id]
            if len(kept) == len(rules):
                raise NotificationNotFound(rule_id)
            rules[:] = kept
    except OSError as error:
        raise FileNotWritable(workspace.folder / RULES_NAME, error) from error


def _build_record(rule: Rule) -> dict[str, Any]:
    record = {
        "id": rule.rule_id,
        "address": redact_address(rule.address),
        "on": list(rule.on),
        "experiment_name": rule.experiment_name,
    }
    return {name: value for name, value in record.items() if value is not None}
