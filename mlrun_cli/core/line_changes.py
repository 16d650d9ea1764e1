"""The changes that turn one list of lines into another."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from mlrun_cli.core.named_tuple import NamedTuple

_FEW_EDITS = 16
"""Up to this number of removed and added lines, the fewest are searched for before unique lines are."""
_MAX_EDITS = 1500
_MAX_STEPS = 4_000_000
"""The number of steps, some seconds, after which a part without unique lines counts as replaced."""


class LineChange(NamedTuple):
    """Lines `old_start` to `old_end` of the old text, replaced by lines `new_start` to `new_end` of the new one."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def list_changes(old: Sequence[bytes], new: Sequence[bytes]) -> Sequence[LineChange]:
    """Return the changes from old lines to new ones in order, separated by at least one equal line."""
    return list(_Comparison(old, new).find_changes())


class _Comparison:
    """A comparison of two lists of lines.

    It finds the fewest edits of a part if these are few (Myers, "An O(ND) Difference Algorithm", 1986). Otherwise it
    splits the part at the lines that each list has once ("patience diff").
    """

    def __init__(self, old: Sequence[bytes], new: Sequence[bytes]) -> None:
        self._old = old
        self._new = new
        self._steps = 0

    def find_changes(self) -> Iterator[LineChange]:
        """Yield the changed ranges of lines in order."""
        parts = [LineChange(0, len(self._old), 0, len(self._new))]
        while parts:
            part = self._trim_equal_lines(parts.pop())
            if part.old_start == part.old_end or part.new_start == part.new_end:
                if part.old_start != part.old_end or part.new_start != part.new_end:
                    yield part
                continue
            changes = self._find_fewest_edits(part, _FEW_EDITS)
            if changes is None:
                between = self._split_at_unique_lines(part)
                if between:
                    parts += reversed(between)
                    continue
                changes = self._find_fewest_edits(part, _MAX_EDITS)
            yield from [part] if changes is None else changes

    def _trim_equal_lines(self, part: LineChange) -> LineChange:
        """Return a part without the equal lines at its ends."""
        old, new = self._old, self._new
        old_start, old_end, new_start, new_end = part
        while old_start < old_end and new_start < new_end and old[old_start] == new[new_start]:
            old_start += 1
            new_start += 1
        while old_start < old_end and new_start < new_end and old[old_end - 1] == new[new_end - 1]:
            old_end -= 1
            new_end -= 1
        return LineChange(old_start, old_end, new_start, new_end)

    def _split_at_unique_lines(self, part: LineChange) -> Sequence[LineChange]:
        """Return the parts between lines that occur once in both lists; empty if there are no such lines."""
        old = self._old[part.old_start : part.old_end]
        new = self._new[part.new_start : part.new_end]
        in_old, in_new = Counter(old), Counter(new)
        places = {line: number for number, line in enumerate(new, part.new_start) if in_new[line] == 1}
        unique = [
            (number, places[line])
            for number, line in enumerate(old, part.old_start)
            if line in places and in_old[line] == 1
        ]
        parts = []
        old_start, new_start = part.old_start, part.new_start
        for in_old_at, in_new_at in _find_longest_increasing_subsequence(unique):
            if (in_old_at, in_new_at) != (old_start, new_start):
                parts.append(LineChange(old_start, in_old_at, new_start, in_new_at))
            old_start, new_start = in_old_at + 1, in_new_at + 1
        return [*parts, LineChange(old_start, part.old_end, new_start, part.new_end)] if unique else []

    def _find_fewest_edits(self, part: LineChange, max_edits: int) -> Sequence[LineChange] | None:
        """Return the changes with the fewest removed and added lines; None if these are more than `max_edits`."""
        old, new = self._old, self._new
        old_start, old_end, new_start, new_end = part
        skew = new_start - old_start
        if abs((old_end - old_start) - (new_end - new_start)) > max_edits:
            return None
        # Keyed by diagonal, new line minus old line: the farthest old line that the edits so far reach.
        reached = {skew - 1: old_start}
        history = []
        for edits in range(max_edits + 1):
            self._steps += edits
            if self._steps > _MAX_STEPS:
                return None
            history.append(reached)
            before, reached = reached, {}
            for diagonal in range(skew - edits, skew + edits + 1, 2):
                at = max(before.get(diagonal + 1, -2) + 1, before.get(diagonal - 1, -1))
                if at < old_start or at > old_end or at + diagonal > new_end:
                    continue
                while at < old_end and at + diagonal < new_end and old[at] == new[at + diagonal]:
                    at += 1
                reached[diagonal] = at
                if at == old_end and at + diagonal == new_end:
                    return _trace_back(history[1:], part)
        return None


def _trace_back(history: Sequence[dict[int, int]], part: LineChange) -> Sequence[LineChange]:
    """Return the changes on the shortest edit path to a part's end, given the positions after each number of edits."""
    changes: list[LineChange] = []
    diagonal = part.new_end - part.old_end
    for before in reversed(history):
        removed, added = before.get(diagonal + 1, -2) + 1, before.get(diagonal - 1, -1)
        if removed > added:
            change = LineChange(removed - 1, removed, removed + diagonal, removed + diagonal)
            diagonal += 1
        else:
            change = LineChange(added, added, added + diagonal - 1, added + diagonal)
            diagonal -= 1
        if changes and changes[-1].old_start == change.old_end and changes[-1].new_start == change.new_end:
            last = changes.pop()
            change = LineChange(change.old_start, last.old_end, change.new_start, last.new_end)
        changes.append(change)
    return changes[::-1]


def _find_longest_increasing_subsequence(pairs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return the longest subsequence of the pairs in which the second numbers increase."""
    seconds = [second for _, second in pairs]
    if seconds == sorted(seconds):
        return pairs
    ends: list[int] = []
    """The smallest number at which a rise of each length ends."""
    places: list[int] = []
    before = []
    for number, second in enumerate(seconds):
        length = bisect_left(ends, second)
        before.append(places[length - 1] if length else -1)
        ends[length : length + 1] = [second]
        places[length : length + 1] = [number]
    rise = []
    number = places[-1] if places else -1
    while number >= 0:
        rise.append(pairs[number])
        number = before[number]
    return rise[::-1]
