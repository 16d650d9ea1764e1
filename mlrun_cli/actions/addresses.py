"""The addresses of the studio's pages, as they are printed and kept: none holds the token."""

from __future__ import annotations

from typing import Any

from mlrun_cli.runs.run import Run, run_record
from mlrun_cli.serving.studio_folder import StudioFolder
from mlrun_cli.serving.urls import Pages
from mlrun_cli.workspace import Workspace


def run_address(workspace: Workspace, run_id: str) -> str:
    """The page of a run, which opens while the studio runs."""
    return _pages(workspace).run(run_id)


def experiment_address(workspace: Workspace, name: str) -> str:
    """The page of an experiment, which opens while the studio runs."""
    return _pages(workspace).experiment(name)


def shown_record(workspace: Workspace, run: Run) -> dict[str, Any]:
    """The run as `run show` prints it: its record, and the address of its page under `web_view`."""
    return {**run_record(run), "web_view": run_address(workspace, run.run_id)}


def _pages(workspace: Workspace) -> Pages:
    return Pages(StudioFolder(workspace.home).address(), *workspace.identity)
