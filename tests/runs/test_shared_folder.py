"""The folder of a run in a shared folder, which may be away or removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlrun_cli.runs.shared_folder import SharedFolder


def test_a_folder_is_removed_only_if_the_shared_folder_is_there_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SharedFolder(tmp_path / "shared")
    whole.create()
    run = whole.get_run_folder("exp_1")
    run.path.mkdir()
    away = tmp_path / "away"
    stat = os.stat

    def unmount_and_look(*words: object, **options: object) -> os.stat_result:
        whole.path.rename(away)
        try:
            return stat(*words, **options)  # type: ignore[arg-type]
        finally:
            away.rename(whole.path)

    monkeypatch.setattr(os, "stat", unmount_and_look)
    assert not run.is_removed()
    monkeypatch.undo()
    whole.path.rename(away)
    assert not run.is_removed()
    away.rename(whole.path)
    assert not run.is_removed()
    run.path.rmdir()
    assert run.is_removed()
