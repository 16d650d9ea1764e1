"""Questions about experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions import addresses
from mlrun_cli.actions import experiments as actions
from mlrun_cli.rpc.context import Place


def make(place: Place, name: str) -> dict[str, Any]:
    """The record of an experiment, made when there is none."""
    return actions.make_experiment(place.workspace, name)


def get(place: Place, name: str) -> dict[str, Any]:
    """The record of an experiment that exists."""
    return actions.get_experiment(place.workspace, name)


def address(place: Place, name: str) -> str:
    """The address of an experiment's page."""
    return addresses.experiment_address(place.workspace, name)


def list_all(place: Place) -> Sequence[dict[str, Any]]:
    """The records of all experiments, by name."""
    return actions.list_experiments(place.workspace)


def update_tags(
    place: Place, name: str, tags: Mapping[str, str | None] | None = None, removed: Sequence[str] = ()
) -> dict[str, Any]:
    """The record after tags have been set and others taken away."""
    return actions.update_experiment_tags(place.workspace, name, tags or {}, removed)


def archive(place: Place, name: str) -> dict[str, Any]:
    """The record after the experiment has been archived."""
    return actions.archive_experiment(place.workspace, name, is_archived=True, new_name=None)


def reactivate(place: Place, name: str, new_name: str | None = None) -> dict[str, Any]:
    """The record after the experiment has been taken back."""
    return actions.archive_experiment(place.workspace, name, is_archived=False, new_name=new_name)


def delete(place: Place, experiment_id: str) -> None:
    """Delete an experiment that has no runs."""
    actions.delete_experiment(place.workspace, experiment_id)


CALLS = {
    "make": make,
    "get": get,
    "address": address,
    "list": list_all,
    "update_tags": update_tags,
    "archive": archive,
    "reactivate": reactivate,
    "delete": delete,
}
