"""Files below a folder and behind its links; links among folders have no end of paths, and are not followed twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlrun_cli.wire.linked_files import DANGLING, LOOP, REPEATED, SPECIAL, Reason, list_files_following_links


def listed(folder: Path) -> tuple[list[str], dict[str, Reason]]:
    left_out: dict[str, Reason] = {}
    names = list_files_following_links(folder, left_out.__setitem__, lambda name: name.endswith(".part"))
    return names, left_out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "top"
    (made / "deep").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "deep/c.txt", "deep/d.part"):
        (made / name).touch()
    return made


def test_files_are_listed_sorted_without_ignored_ones(folder: Path) -> None:
    assert listed(folder) == (["a.txt", "b.txt", "deep/c.txt"], {})


def test_what_is_behind_a_link_has_the_name_of_the_link(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "e.txt").touch()
    (folder / "file").symlink_to(elsewhere / "e.txt")
    (folder / "folder").symlink_to(elsewhere)
    assert listed(folder) == (["a.txt", "b.txt", "deep/c.txt", "file", "folder/e.txt"], {})


def test_what_cannot_be_copied_is_left_out_with_the_reason(folder: Path) -> None:
    (folder / "deep" / "up").symlink_to("..")
    (folder / "gone").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    names, left_out = listed(folder)
    assert names == ["a.txt", "b.txt", "deep/c.txt"]
    assert left_out == {"deep/up": LOOP, "gone": DANGLING, "pipe": SPECIAL}


def test_folders_that_link_to_each_other_are_found_once_behind_links(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "one" / "other").symlink_to("../two")
    (tmp_path / "two" / "other").symlink_to("../one")
    top = tmp_path / "top"
    top.mkdir()
    for name in ("one", "two"):
        (top / name).symlink_to(tmp_path / name)
    names, left_out = listed(top)
    assert names == ["one/file", "two/file"]
    assert set(left_out.values()) <= {REPEATED, LOOP}
    assert sorted(left_out) == ["one/other", "two/other"]
