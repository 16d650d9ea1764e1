"""Options and commands by the names that they have in other programs, or in other commands of this one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlrun_cli.cli.synonyms import find_option_by_synonym
from tests.acceptance.installed import installed
from tests.docs.command_pages import command_pages


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("run list --filter loss<1", "--where"),
        ("run list -L 3", "--last"),
        ("run monitor-logs -n 3", "--tail"),
        ("model register -r @latest", "--run-id"),
        ("model download -n churn", "-i"),
        ("run submit-pipeline --pipeline-params lr=1", "--parameters"),
        ("run submit-script --detach train.py", "--async"),
        ("run download --dest out", "--output-dir"),
        ("datastore download --dest out", "--target-path"),
        ("run list --experimentname x", "--experiment-name"),
    ],
)
def test_the_hint_has_the_name_that_the_option_has_here(tmp_path: Path, line: str, option: str) -> None:
    with installed(tmp_path, attach=False) as mlrun:
        failure = mlrun.fails(*line.split())
        assert failure.code == "OptionNotFound"
        assert f"Did you mean '{option}'?" in failure.hint


def test_an_option_that_no_other_program_has_is_not_guessed() -> None:
    assert find_option_by_synonym("--nothing", {"--run", "--last"}) is None
    assert find_option_by_synonym("--filter", {"--run", "--last"}) is None


def test_every_option_that_is_meant_exists() -> None:
    source = Path("mlrun_cli/cli/synonyms.py").read_text(encoding="utf-8")
    table = source[source.index("_DESTINATIONS =") : source.index("def find_option_by_synonym")]
    meant = {name for values in re.findall(r"\(([^()]*)\)", table) for name in re.findall(r'"(--[\w-]+)"', values)}
    pages = "\n".join(command_pages().values())
    assert {"--where", "--tail"} <= meant
    assert {name for name in meant if not re.search(rf"{name}(?![\w-])", pages)} == set()


@pytest.mark.parametrize(
    ("word", "meant"),
    [("runs", "run list"), ("jobs", "run list"), ("sweep", "run sweep"), ("trash", "run list --deleted")],
)
def test_the_hint_has_the_command_that_a_word_stands_for(tmp_path: Path, word: str, meant: str) -> None:
    with installed(tmp_path, attach=False) as mlrun:
        failure = mlrun.fails(word)
        assert failure.code == "CommandNotFound"
        assert f"Did you mean '{meant}'?" in failure.hint
