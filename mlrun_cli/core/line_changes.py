"""The changes that turn one list of lines into another."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

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
    splits the part at the lines that each list has once ("patience diff"). Lines that only one list has are left out
    of the search: they are edits in any case, and a text that was rewritten would take it to its limit.
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
            shared = self._list_shared_lines(part)
            pairs = self._pair_with_fewest_edits(*shared, _FEW_EDITS)
            if pairs is None:
                between = self._split_at_unique_lines(part)
                if between:
                    parts += reversed(between)
                    continue
                pairs = self._pair_with_fewest_edits(*shared, _MAX_EDITS)
            yield from _list_parts_between(pairs or (), part)

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

    def _list_shared_lines(self, part: LineChange) -> tuple[Sequence[int], Sequence[int]]:
        """Return the positions of the old and of the new lines of a part that occur in both lists."""
        old = self._old[part.old_start : part.old_end]
        new = self._new[part.new_start : part.new_end]
        shared = set(old).intersection(new)
        return (
            [position for position, line in enumerate(old, part.old_start) if line in shared],
            [position for position, line in enumerate(new, part.new_start) if line in shared],
        )

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
        return _list_parts_between(_find_longest_increasing_subsequence(unique), part) if unique else []

    def _pair_with_fewest_edits(
        self, old_positions: Sequence[int], new_positions: Sequence[int], max_edits: int
    ) -> Sequence[tuple[int, int]] | None:
        """Return the pairs of equal lines that leave the fewest without one; None if these are more than `max_edits`.

        Args:
            old_positions: positions of old lines, in order.
            new_positions: positions of new lines, in order.
            max_edits: the number of lines that may be without a pair.
        """
        old = [self._old[position] for position in old_positions]
        new = [self._new[position] for position in new_positions]
        if abs(len(old) - len(new)) > max_edits:
            return None
        # Keyed by diagonal, new line minus old line: the farthest old line that the edits so far reach.
        reached = {-1: 0}
        history = []
        for edits in range(max_edits + 1):
            self._steps += edits
            if self._steps > _MAX_STEPS:
                return None
            history.append(reached)
            before, reached = reached, {}
            for diagonal in range(-edits, edits + 1, 2):
                at = max(before.get(diagonal + 1, -2) + 1, before.get(diagonal - 1, -1))
                if at < 0 or at > len(old) or at + diagonal > len(new):
                    continue
                while at < len(old) and at + diagonal < len(new) and old[at] == new[at + diagonal]:
                    at += 1
                reached[diagonal] = at
                if at == len(old) and at + diagonal == len(new):
                    pairs = _trace_back(history[1:], len(old), len(new))
                    return [(old_positions[old_at], new_positions[new_at]) for old_at, new_at in pairs]
        return None


def _list_parts_between(pairs: Iterable[tuple[int, int]], part: LineChange) -> Sequence[LineChange]:
    """Split a change at pairs of equal lines; return the non-empty changes between them."""
    parts = []
    old_start, new_start = part.old_start, part.new_start
    for old_at, new_at in pairs:
        if (old_at, new_at) != (old_start, new_start):
            parts.append(LineChange(old_start, old_at, new_start, new_at))
        old_start, new_start = old_at + 1, new_at + 1
    if (old_start, new_start) != (part.old_end, part.new_end):
        parts.append(LineChange(old_start, part.old_end, new_start, part.new_end))
    return parts


def _trace_back(history: Sequence[dict[int, int]], old_end: int, new_end: int) -> Sequence[tuple[int, int]]:
    """Return the equal lines on the shortest edit path to the ends, given the positions after each number of edits."""
    pairs: list[tuple[int, int]] = []
    at, diagonal = old_end, new_end - old_end
    for before in reversed(history):
        removed, added = before.get(diagonal + 1, -2) + 1, before.get(diagonal - 1, -1)
        edited = max(removed, added)
        pairs += [(old_at, old_at + diagonal) for old_at in range(at - 1, edited - 1, -1)]
        at, diagonal = (removed - 1, diagonal + 1) if removed > added else (added, diagonal - 1)
    pairs += [(old_at, old_at + diagonal) for old_at in range(at - 1, -1, -1)]
    return pairs[::-1]


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
