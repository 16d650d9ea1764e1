"""Which day the packages of an environment are chosen as of, told by real git repositories and files."""

from __future__ import annotations

import os
import subprocess
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from mlrun_cli.environments.cutoff_date import determine_cutoff_date
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.errors import EnvironmentNotBuilt

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "GIT_CONFIG_GLOBAL": os.devnull}


def git(folder: Path, *words: str, day: str = "2020-01-01") -> None:
    identity = {"GIT_COMMITTER_DATE": f"{day}T12:00:00Z", "GIT_AUTHOR_DATE": "2012-01-01T12:00:00Z"}
    named = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *named, *words], cwd=folder, env=ENVIRON | identity, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two files, of June 2020 and March 2021, and a later commit of another one; on this disk they are of 2022."""
    folder = tmp_path / "a repository"
    folder.mkdir()
    git(folder, "init", "-q")
    for name, day in (("conda.yml", "2020-06-01"), ("requirements.txt", "2021-03-01"), ("train.py", "2023-01-01")):
        written(folder / name, "2022-01-01")
        git(folder, "add", name)
        git(folder, "commit", "-q", "-m", name, day=day)
    return folder


def written(path: Path, day: str) -> None:
    path.write_text(f"{day}\n", encoding="utf-8")
    seconds = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
    os.utime(path, (seconds, seconds))


def test_the_day_is_that_of_the_last_commit_of_the_latest_file(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link.yml").symlink_to(repository / "conda.yml")
    one = determine_cutoff_date([tmp_path / "link.yml"], ENVIRON)
    assert (one.day, one.uploaded_before) == (date(2020, 6, 1), "2020-06-01T23:59:59Z")
    assert f"the last commit of {repository / 'conda.yml'}, " in one.source
    assert determine_cutoff_date([repository / "requirements.txt", repository / "conda.yml"], ENVIRON).day.year == 2021
    assert determine_cutoff_date([repository], ENVIRON).day == date(2023, 1, 1)


def test_a_file_that_is_not_committed_as_it_is_has_its_own_time(repository: Path, tmp_path: Path) -> None:
    written(repository / "conda.yml", "2022-02-02")
    changed = determine_cutoff_date([repository / "conda.yml"], ENVIRON)
    assert changed.day == date(2022, 2, 2)
    assert changed.source == f"the time of {repository / 'conda.yml'}, whose changes are not committed"
    for name in ("new.yml", "ignored.yml"):
        written(repository / name, "2022-02-03")
    (repository / ".gitignore").write_text("ignored.yml\n", encoding="utf-8")
    assert determine_cutoff_date([repository / "new.yml"], ENVIRON).day == date(2022, 2, 3)
    assert determine_cutoff_date([repository / "ignored.yml"], ENVIRON).day == date(2022, 2, 3)
    written(tmp_path / "elsewhere.yml", "2019-02-03")
    elsewhere = determine_cutoff_date([tmp_path / "elsewhere.yml"], ENVIRON)
    assert elsewhere == (date(2019, 2, 3), f"the time of {tmp_path / 'elsewhere.yml'}")
    written(tmp_path / "elsewhere.yml", "2999-01-01")
    assert determine_cutoff_date([tmp_path / "elsewhere.yml"], ENVIRON).day <= datetime.now(timezone.utc).date()


def test_without_git_the_file_has_its_own_time(repository: Path, tmp_path: Path) -> None:
    assert determine_cutoff_date([repository / "conda.yml"], ENVIRON | {"PATH": str(tmp_path)}).day == date(2022, 1, 1)


def test_the_oldest_commit_of_a_shallow_clone_is_named_as_such(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), "clone")
    shallow = determine_cutoff_date([tmp_path / "clone" / "conda.yml"], ENVIRON)
    assert shallow.day == date(2023, 1, 1)
    assert "shallow clone" in shallow.source
    written(tmp_path / "clone" / "conda.yml", "2022-01-02")
    git(tmp_path / "clone", "commit", "-q", "-a", "-m", "later", day="2024-01-01")
    later = determine_cutoff_date([tmp_path / "clone" / "conda.yml"], ENVIRON)
    assert later.day == date(2024, 1, 1)
    assert "shallow" not in later.source


def test_what_has_no_day_is_an_error_that_says_how_to_name_one(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "gone.yml"):
        with pytest.raises(EnvironmentNotBuilt) as caught:
            determine_cutoff_date([place], ENVIRON)
        assert str(place) in caught.value.message
        assert "dated:2020-06-01" in (caught.value.hint or "")


def test_a_choice_is_written_as_it_is_typed() -> None:
    for text in ("pinned", "relaxed", "current", "dated", "dated:2020-06-01"):
        assert str(EnvironmentChoice.parse_and_check(f" {text.upper()} ")) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lose", "'lose' is not a mode. Use one of pinned, relaxed, dated, current"),
        ("relaxed:2020-06-01", "'relaxed' takes no day"),
        ("dated:", "'' is not a day: write it as in dated:2020-06-01"),
        ("dated:2020-6-1", "is not a day"),
        ("dated:20200601", "is not a day"),
        ("dated:2020-02-30", "is not a day"),
        ("dated:2020-06-01T12:00", "is not a day"),
        ("dated:2999-01-01", "still to come"),
        ("dated:1999-01-01", "no Python 3 yet"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EnvironmentChoice.parse_and_check(text)
