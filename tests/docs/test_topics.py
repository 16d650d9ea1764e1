"""`mlrun help` lists topics and prints them: in a pager on a terminal, as plain text through a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mlrun_cli.cli.command_groups import COMMAND_GROUPS, TOP_LEVEL_GROUPS
from mlrun_cli.cli.help.markdown import render_markdown
from mlrun_cli.cli.help.topics import TOPICS, find_topic, read_topic
from tests.acceptance.installed import installed
from tests.acceptance.terminal import Terminal
from tests.acceptance.test_help_pages import COMMANDS
from tests.running import Mlrun, good_end

DOCS = Path(__file__).parents[2] / "mlrun_cli" / "docs"
README = Path(__file__).parents[2] / "README.md"
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("help"), attach=False) as mlrun:
        mlrun.environment["COLUMNS"] = "80"
        yield mlrun


def test_help_lists_each_topic_on_a_line(mlrun: Mlrun) -> None:
    listed = good_end(mlrun("help"))
    assert re.findall(r"^  (\S+) +\S", listed, re.MULTILINE) == list(TOPICS)
    assert max(map(len, listed.splitlines())) <= 80
    for words in (["help", "help"], ["help", "-h"], ["help", "--help"]):
        assert good_end(mlrun(*words)) == listed


def test_each_topic_has_a_page_and_each_page_a_topic() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} == set(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_printed_as_plain_text_that_fits(topic: str) -> None:
    shown = render_markdown(read_topic(topic), 80, colour=False)
    assert not re.search(r"\033|^#|^```|^\||\]\(", shown, re.MULTILINE)
    prose = [line for line in shown.splitlines() if not line.startswith("    ")]
    assert max(map(len, prose)) <= 80


def test_a_topic_goes_through_a_pipe_without_a_pager(mlrun: Mlrun) -> None:
    mlrun.environment["PAGER"] = "false"
    assert good_end(mlrun("help", "exit-codes")) == render_markdown(read_topic("exit-codes"), 80, colour=False)


@pytest.mark.parametrize(
    ("variables", "is_paged"),
    [
        ({"PAGER": "sed s/^/paged:/"}, True),
        ({"PAGER": "false", "MLRUN_PAGER": "sed s/^/paged:/"}, True),
        ({"PAGER": "sed s/^/paged:/", "MLRUN_PAGER": ""}, False),
        ({"PAGER": "sed s/^/paged:/", "CI": "true"}, False),
        ({"PAGER": "sed s/^/paged:/", "TF_BUILD": "True"}, False),
        ({"PAGER": "sed s/^/paged:/", "CI": "false"}, True),
    ],
)
def test_a_topic_on_a_terminal_goes_through_the_pager(
    mlrun: Mlrun, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], is_paged: bool
) -> None:
    monkeypatch.setattr(mlrun, "environment", {**mlrun.environment, **variables})
    with Terminal(mlrun, ["mlrun", "help", "exit-codes"]) as terminal:
        assert terminal.wait() == 0
    assert "\033[1mExit codes\033[0m\n" in terminal.output
    assert ("paged:" in terminal.output) == is_paged


@pytest.mark.parametrize("pager", ["no-such-program", "", "cat", "a '", "true", "head -n 1"])
def test_a_pager_that_is_not_there_or_ends_early_does_no_harm(mlrun: Mlrun, pager: str) -> None:
    mlrun.environment["PAGER"] = pager
    with Terminal(mlrun, ["mlrun", "help", "exit-codes"]) as terminal:
        assert terminal.wait() == 0
    assert ("\033[1mExit codes\033[0m\n" in terminal.output) == (pager != "true")
    assert "Traceback" not in terminal.output


def test_ml_has_the_same_topics(mlrun: Mlrun) -> None:
    assert good_end(mlrun("ml", "help", "exit-codes")) == good_end(mlrun("help", "exit-codes"))


def test_an_unknown_topic_is_a_usage_error_with_the_nearest_and_the_list(mlrun: Mlrun) -> None:
    done = mlrun("help", "quries", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'queries'" in done.stderr
    assert all(topic in done.stderr for topic in TOPICS)


@pytest.mark.parametrize("words", ["run list", "ml run list", "run", "folder attach", "install-az"])
def test_help_of_a_command_is_its_page(mlrun: Mlrun, words: str) -> None:
    assert good_end(mlrun("help", *words.split())) == good_end(mlrun(*words.split(), "-h"))


@pytest.mark.parametrize(
    "words", [*COMMANDS, *COMMAND_GROUPS, *TOP_LEVEL_GROUPS, "studio", "top", "install-az", "ml run list", "ml run"]
)
def test_each_command_has_a_topic(words: str) -> None:
    assert find_topic(f"mlrun {words}") in TOPICS


@pytest.mark.parametrize("words", ["run list", "run", "install-az"])
def test_help_of_a_command_names_its_topic(mlrun: Mlrun, words: str) -> None:
    assert f"'mlrun help {find_topic(f'mlrun {words}')}'" in good_end(mlrun(*words.split(), "-h"))


@pytest.mark.parametrize("page", [README, *DOCS.rglob("*.md")], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            assert anchor in _anchors(linked.read_text(encoding="utf-8")), f"{target}#{anchor}"


def test_what_is_marked_is_bold_where_there_is_colour() -> None:
    assert render_markdown("See `a b` and **c**.", 80, colour=True) == "See \033[1ma b\033[0m and \033[1mc\033[0m.\n"
    assert render_markdown("# `T`\n\ntext", 80, colour=True) == "\033[1mT\033[0m\n\ntext\n"


def test_a_table_is_wrapped_into_its_columns() -> None:
    table = "| a | what |\n|---|---|\n| `x\\|y` | one two three |\n| z | [four](files.md) |\n"
    assert render_markdown(table, 22, colour=False) == (
        "a      what\n-----  ---------------\n`x|y`  one two three\nz      four (`mlrun\n       help files`)\n"
    )


def _anchors(text: str) -> set[str]:
    """Anchors of the headings, as they are made on the web."""
    titles = re.findall(r"^#+ (.+)$", CODE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
