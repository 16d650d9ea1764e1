"""Changes between lists of lines."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

import pytest

from mlrun_cli.core import line_changes
from mlrun_cli.core.line_changes import list_changes

Lines = Sequence[bytes]


def apply(old: Lines, new: Lines) -> Lines:
    """Return the old lines with the changes to the new ones, which lines between the changes must allow."""
    made: list[bytes] = []
    at = 0
    changes = list_changes(old, new)
    for change in changes:
        made += old[at : change.old_start]
        assert len(made) == change.new_start, "the equal lines before the change are as many in both"
        made += new[change.new_start : change.new_end]
        at = change.old_end
    assert all(first.old_end < second.old_start for first, second in pairwise(changes))
    return [*made, *old[at:]]


def count_edits(old: Lines, new: Lines) -> int:
    return sum(
        change.old_end - change.old_start + change.new_end - change.new_start for change in list_changes(old, new)
    )


def count_fewest_edits(old: Lines, new: Lines) -> int:
    """Return the length of both lists less twice that of their longest common subsequence, from the whole table."""
    row = [0] * (len(new) + 1)
    for line in old:
        before = row
        row = [0]
        for number, other in enumerate(new):
            row.append(before[number] + 1 if line == other else max(row[-1], before[number + 1]))
    return len(old) + len(new) - 2 * row[-1]


def draw_few_kinds(chance: random.Random) -> Lines:
    return [chance.choice((b"a", b"b", b"")) for _ in range(chance.randrange(25))]


def draw_many_kinds(chance: random.Random) -> Lines:
    return [b"%d" % chance.randrange(60) for _ in range(chance.randrange(80))]


@pytest.mark.parametrize("draw", [draw_few_kinds, draw_many_kinds])
@pytest.mark.parametrize("few_edits", [0, 3, 16])
def test_changes_make_the_new_lines_of_the_old(
    draw: Callable[[random.Random], Lines], few_edits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_changes, "_FEW_EDITS", few_edits)
    chance = random.Random(20)
    for _ in range(300):
        old, new = draw(chance), draw(chance)
        assert apply(old, new) == new
        assert list_changes(old, old) == []


def test_few_edits_are_the_fewest() -> None:
    chance = random.Random(21)
    checked = 0
    for _ in range(200):
        old, new = draw_few_kinds(chance), draw_few_kinds(chance)
        fewest = count_fewest_edits(old, new)
        assert count_edits(old, new) == fewest
        checked += 0 < fewest <= line_changes._FEW_EDITS
    assert checked > 50


def test_lines_of_one_list_only_do_not_count_towards_the_limit_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_changes, "_MAX_STEPS", 10)
    old = [b"%d" % number if number % 4 else b"" for number in range(4000)]
    new = [line and b"new " + line for line in old]
    assert apply(old, new) == new
    assert count_edits(old, new) == 2 * 3000
    assert list_changes(old, [b"new"] * 9000) == [(0, 4000, 0, 9000)]


def test_no_more_lines_are_edited_than_difflib_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_changes, "_FEW_EDITS", 1000)
    chance = random.Random(23)
    for _ in range(100):
        old, new = draw_many_kinds(chance), draw_many_kinds(chance)
        kept = sum(block.size for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks())
        assert count_edits(old, new) == count_fewest_edits(old, new) <= len(old) + len(new) - 2 * kept


def test_a_moved_block_of_a_long_file_and_scattered_changes_are_found() -> None:
    old = [b"line %d" % number for number in range(60_000)]
    new = [*old[:1000], *old[1500:30_000], *old[1000:1500], *old[30_000:]]
    new[50_000::100] = [b"changed"] * len(new[50_000::100])
    assert apply(old, new) == new
    assert count_edits(old, new) == 2 * 500 + 2 * 100


def test_what_cannot_be_compared_in_some_steps_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_changes, "_MAX_STEPS", 1000)
    chance = random.Random(22)
    old, new = ([chance.choice((b"a", b"b")) for _ in range(3000)] for _ in range(2))
    assert len(list_changes(old, new)) == 1
    assert apply(old, new) == new
