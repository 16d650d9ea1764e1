"""The conditions of a run filter in SQL, written so that the database uses the right index.

A condition can be *looked up*: an index returns the runs that meet it. Or it can be *checked* on each run while runs
are read in another order. Looking up is better if few runs meet the condition; otherwise it returns far too many, and
checking soon finds enough runs. Databases guess which is better; here the runs are counted, up to a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mlrun_cli.runs.filter import RunFilter, TagFilter
from mlrun_cli.runs.order import METRIC, PARAMETER
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database, TextCondition, build_in_list

if TYPE_CHECKING:  # start-up: most lists have no condition on values
    from mlrun_cli.runs.where.condition import Condition
    from mlrun_cli.store.runs.condition_sql import ConditionSql
    from mlrun_cli.store.runs.predicates import PredicateSql
    from mlrun_cli.store.runs.run_sets import RunSet

RARE = 2000
"""The number of runs that is looked up in less time than checking takes to find a page of the newest runs."""

_PARENT = "(SELECT run_key FROM runs WHERE run_id = :parent_run_id)"
_BELOW = (
    "runs.run_key IN (WITH RECURSIVE below (run_key) AS ("  # noqa: S608 — our own words
    f"SELECT run_key FROM runs WHERE parent_key = {_PARENT}"
    " UNION ALL SELECT runs.run_key FROM runs JOIN below ON runs.parent_key = below.run_key"
    ") SELECT run_key FROM below)"
)
_AT_TOP = "runs.parent_key IS NULL"
_EXPERIMENT = "(SELECT experiment_key FROM experiments WHERE name = :experiment_name)"
_BOUNDED_FIELDS = frozenset({"created", "duration", "ended", "exit_code", "run_number", "started"})
"""The fields whose conditions bound the part of an index that is read."""
COLUMNS = {
    "experiment": "experiment_key",
    "status": "status",
    "submitter": "user_name",
    "target": "target",
    "type": "run_type",
}
"""The columns of `runs` that values of a filter are chosen from, keyed by word of the filter language."""
_FIELDS = {"run_type": "type", "target": "target", "submitter": "submitter"}
"""The fields of a filter for a single value of such a column, each with its word."""


class RunConditions:
    """The SQL conditions of a filter.

    Args of the constructor:
        rare: the number of runs below which a condition is looked up; None means `RARE`.

    Attributes:
        parameters: the SQL parameters of all conditions.
        values_per_check: the number of values in other tables that a check of a run reads, without those of `text`.
        most_matches: an upper bound of the number of runs that match, if a condition that is looked up gives one;
          otherwise None.
        text: the condition on words, unless few runs contain them or meet another condition; otherwise None.
    """

    def __init__(self, database: Database, run_filter: RunFilter, rare: int | None = None) -> None:
        self.parameters: dict[str, object] = {}
        self.text: TextCondition | None = None
        self.most_matches: int | None = None
        self.values_per_check = 0
        self._last_count = 0
        """The number of rows that were found when a condition was last found to be rare."""
        self._database = database
        self._words = run_filter.text or ""
        self._bound = RARE if rare is None else rare
        self._rare: list[str] = []
        self._common: list[str] = []
        """The conditions that are fast in any order of runs."""
        self._indexed: list[str] = []
        self._bounds: dict[str, list[PredicateSql]] = {}
        """The conditions on values that runs can be sorted by, keyed by the column of the order."""
        self._sets: list[RunSet] = []
        self._ranges: list[str] = []
        """The conditions on columns of `runs` that are ranges of indexes."""
        self._unindexed: list[str] = []
        """The conditions of `_indexed`, written so that no index is used."""
        self._add_column_conditions(run_filter)
        self._add_status_condition(run_filter)
        for word, values in run_filter.any_of.items():
            self._add_membership_condition(word, values)
        for table, pairs in (("run_tags", run_filter.tags), ("run_properties", run_filter.properties)):
            for number, pair in enumerate(pairs):
                self._add_pair_condition(table, number, pair)
        if run_filter.metrics or run_filter.parameters or run_filter.where is not None:
            for number, condition in enumerate(_list_conditions(run_filter)):
                self._add_condition(f"where_{number}", condition, run_filter.not_responding)
        if run_filter.text is not None and run_filter.text.strip():
            self._add_text_condition(run_filter.text)

    @property
    def indexed_conditions(self) -> str:
        """The SQL conditions for reading runs in key order or in no particular order."""
        text = [] if self.text is None else [f"runs.run_key IN ({self.text_query})"]
        text += [] if self.text is None or self.text.is_exact else [self._build_text_check(self.text)]
        return _join_conditions(
            [*self._rare, *self._common, *(self._unindexed if self._rare else self._indexed), *text]
        )

    @property
    def scan_conditions(self) -> str:
        """The SQL conditions for reading runs along the index of a sort order."""
        text = [] if self.text_check is None else [self.text_check]
        return _join_conditions([*self._rare, *self._common, *self._unindexed, *text])

    @property
    def conditions_without_text(self) -> str:
        """The SQL conditions except `text`."""
        return _join_conditions([*self._rare, *self._common, *self._unindexed])

    @property
    def joined_conditions(self) -> str:
        """The SQL conditions for reading runs joined with their texts in key order."""
        text = [] if self.text is None else [_build_text_lookup(self.text)]
        return _join_conditions([*text, self.conditions_without_text])

    @property
    def text_match_conditions(self) -> str:
        """The SQL conditions to check for runs that `text_query` has returned."""
        return self.scan_conditions if self.text is None or not self.text.is_exact else self.conditions_without_text

    @property
    def text_check(self) -> str | None:
        """The SQL condition that a run contains the text; None without a text."""
        return None if self.text is None else self._build_text_check(self.text)

    @property
    def text_query(self) -> str | None:
        """The query for a superset of the keys of the runs that contain the text; None without a text."""
        if self.text is None:
            return None
        return f"SELECT {self._database.dialect.text_key} AS run_key FROM run_texts WHERE {self.text.found}"  # noqa: S608

    @property
    def top_level_lookup(self) -> str | None:
        """The SQL conditions for looking up top-level runs by key if only few match, or None otherwise.

        That index is so much smaller than the table that thousands of keys are found in it in a few milliseconds.
        """
        if not self._rare or self._indexed != [_AT_TOP] or self.text is not None:
            return None
        return _join_conditions([*self._rare, *self._common, _AT_TOP])

    @property
    def has_rare_conditions(self) -> bool:
        """True if few runs meet one of the conditions."""
        return bool(self._rare)

    @property
    def has_unselective_conditions(self) -> bool:
        """True if some conditions are unselective, i.e. met by many runs, and are therefore checked on each run."""
        return bool(self._common)

    def list_run_sets(self) -> Sequence[RunSet]:
        """Return sets that each contain all matching runs, without the set that `text_query` returns.

        The bounds of one value are a single range.
        """
        from mlrun_cli.store.runs.run_sets import build_leaf  # noqa: PLC0415 - start-up

        bounds = [
            build_leaf((several[0].table, " AND ".join(sql.condition for sql in several)))
            for several in self._bounds.values()
            if len(several) > 1 and all(sql.others is None for sql in several)
        ]
        return [*bounds, *self._sets, *(build_leaf(("runs", each)) for each in self._ranges)]

    def leave_out_missing_terms(self) -> None:
        """Restrict the text condition to terms that the index contains, so that `text_query` is faster.

        This takes as long as finding some thousands of runs by the text.
        """
        from mlrun_cli.store.runs.text_conditions import leave_out_missing_terms  # noqa: PLC0415 - start-up

        if self.text is not None and self.text.terms:
            self.text = leave_out_missing_terms(self._database, self._words, self.text)
            self.parameters.update(self.text.parameters)

    def list_bound_conditions(self, column: str) -> Sequence[str]:
        """Return the conditions on the sorted column, for reading along its index."""
        bounds = self._bounds.get(column, ())
        return [
            sql.condition.replace(f"{sql.table}.", "ordered.") if sql.table != "runs" else sql.condition
            for sql in bounds
        ]

    def _add_column_conditions(self, run_filter: RunFilter) -> None:
        if run_filter.experiment_name is not None:
            self.parameters["experiment_name"] = run_filter.experiment_name
            self._add_column_condition(
                f"runs.experiment_key = {_EXPERIMENT}", f"coalesce(runs.experiment_key, 0) = {_EXPERIMENT}"
            )
        if run_filter.parent_run_id is not None:
            self.parameters["parent_run_id"] = run_filter.parent_run_id
            if run_filter.is_recursive:
                self._add_column_condition(_BELOW, _BELOW)
            else:
                self._add_column_condition(f"runs.parent_key = {_PARENT}", f"coalesce(runs.parent_key, 0) = {_PARENT}")
        elif not run_filter.include_children:
            self._add_column_condition(_AT_TOP, "coalesce(runs.parent_key, 0) = 0")
        for name, word in _FIELDS.items():
            value = getattr(run_filter, name)
            if value is not None:
                column = COLUMNS[word]
                self.parameters[name] = value
                self._add_column_condition(f"runs.{column} = :{name}", f"coalesce(runs.{column}, '') = :{name}")
        bounds = (("created_at >=", "created_from"), ("created_at <", "created_until"), ("run_key <", "before_key"))
        given = {
            name: f"runs.{comparison} :{name}" for comparison, name in bounds if getattr(run_filter, name) is not None
        }
        self.parameters.update((name, getattr(run_filter, name)) for name in given)
        self._common.extend(given.values())
        created = [condition for name, condition in given.items() if name != "before_key"]
        self._ranges.extend([" AND ".join(created)] if created else [])

    def _add_column_condition(self, indexed_condition: str, unindexed_condition: str) -> None:
        self._indexed.append(indexed_condition)
        self._unindexed.append(unindexed_condition)
        if indexed_condition != _AT_TOP:
            self._ranges.append(indexed_condition)

    def _add_status_condition(self, run_filter: RunFilter) -> None:
        if not run_filter.statuses:
            return
        places, parameters = build_in_list("status", sorted(status.value for status in run_filter.statuses))
        lost, lost_keys = build_in_list("lost", sorted(run_filter.not_responding))
        looked_up, unindexed = f"runs.status IN {places}", f"coalesce(runs.status, '') IN {places}"
        if run_filter.not_responding:
            parameters.update(lost_keys)
            if RunStatus.NOT_RESPONDING in run_filter.statuses:
                # No row has this status: it is found by checking live runs.
                looked_up, unindexed = f"runs.run_key IN {lost}", f"({unindexed} OR runs.run_key IN {lost})"
                if run_filter.statuses != {RunStatus.NOT_RESPONDING}:
                    looked_up = unindexed
            else:
                looked_up, unindexed = (f"{text} AND runs.run_key NOT IN {lost}" for text in (looked_up, unindexed))
        self.parameters.update(parameters)
        if len(run_filter.statuses) == 1:
            # The index has these runs in the order of their keys.
            self._add_column_condition(looked_up, unindexed)
        else:
            self._add_run_condition(looked_up, unindexed, parameters)

    def _add_membership_condition(self, word: str, values: frozenset[str]) -> None:
        places, parameters = build_in_list(f"any_{word}", sorted(values))
        column, other = COLUMNS[word], "''"
        if word == "experiment":
            places, other = f"(SELECT experiment_key FROM experiments WHERE name IN {places})", "0"  # noqa: S608
        one_of = f"= {places}" if len(values) == 1 else f"IN {places}"
        condition, unindexed = f"runs.{column} {one_of}", f"coalesce(runs.{column}, {other}) {one_of}"
        self.parameters.update(parameters)
        if len(values) == 1:
            # The index has these runs in the order of their keys.
            self._add_column_condition(condition, unindexed)
        else:
            self._add_run_condition(condition, unindexed, parameters)

    def _add_pair_condition(self, table: str, pair_number: int, pair: TagFilter) -> None:
        """Add a condition on a tag or a property."""
        condition = f"{table}.key = :{table}_{pair_number}"
        parameters: dict[str, object] = {f"{table}_{pair_number}": pair.key}
        if not pair.any_value and pair.value is None:
            condition += f" AND {table}.value IS NULL"
        elif not pair.any_value:
            places, values = build_in_list(f"{table}_value_{pair_number}", [pair.value, *pair.or_values])
            condition += f" AND {table}.value IN {places}"
            parameters.update(values)
        from mlrun_cli.store.runs.condition_sql import ConditionSqlBuilder  # noqa: PLC0415 - start-up
        from mlrun_cli.store.runs.predicates import PredicateSql  # noqa: PLC0415
        from mlrun_cli.store.runs.run_sets import Leaf, RangeSet  # noqa: PLC0415

        builder = ConditionSqlBuilder(self._is_rare, table)
        ranges = ((table, condition),)
        matching, rest = (Leaf((RangeSet(ranges, is_rest=is_rest),)) for is_rest in (False, True))
        self._add_condition_sql(
            builder.build_from_predicate_sql(PredicateSql(table, condition, parameters), matching, rest)
        )
        self.parameters.update(parameters)

    def _add_condition(self, prefix: str, condition: Condition, not_responding: frozenset[int]) -> None:
        from mlrun_cli.runs.where.condition import Predicate  # noqa: PLC0415 - start-up
        from mlrun_cli.runs.where.value_name import FIELD  # noqa: PLC0415
        from mlrun_cli.store.runs.condition_sql import ConditionSqlBuilder  # noqa: PLC0415
        from mlrun_cli.store.runs.predicates import build_predicate_sql  # noqa: PLC0415

        builder = ConditionSqlBuilder(self._is_rare, prefix, not_responding)
        built = builder.build(condition)
        self._add_condition_sql(built)
        self.parameters.update(builder.parameters)
        if isinstance(condition, Predicate) and built.looked_up is not None and condition.name.kind != FIELD:
            self._limit_matches()
        if isinstance(condition, Predicate):
            kind, name, which = condition.name
            columns = {METRIC: f"{kind}:{name}:{which}", PARAMETER: f"{kind}:{name}", FIELD: name}
            sql = build_predicate_sql(condition, f"{prefix}_0", not_responding)
            is_bounded = name in _BOUNDED_FIELDS if kind == FIELD else kind in columns and sql.others is None
            if is_bounded:
                self._bounds.setdefault(columns[kind], []).append(sql)

    def _add_condition_sql(self, sql: ConditionSql) -> None:
        from mlrun_cli.store.runs.run_sets import list_intersected_sets  # noqa: PLC0415 - start-up

        self._sets.extend(list_intersected_sets(sql.matching))
        if sql.looked_up is not None:
            self._rare.append(sql.looked_up)
        else:
            self._common.append(sql.checked)
            self.values_per_check += sql.values_per_check

    def _add_run_condition(self, lookup_condition: str, check_condition: str, parameters: dict[str, object]) -> None:
        if self._is_rare("runs", [lookup_condition], parameters):
            self._rare.append(f"runs.run_key IN (SELECT run_key FROM runs WHERE {lookup_condition})")  # noqa: S608
        else:
            self._common.append(check_condition)
            self._ranges.append(lookup_condition)

    def _add_text_condition(self, text: str) -> None:
        """Add a full-text condition, after all others."""
        from mlrun_cli.store.runs.text_conditions import determine_text_condition  # noqa: PLC0415 - start-up

        condition = determine_text_condition(self._database, text)
        self.parameters.update(condition.parameters)
        may_be_rare = condition.is_indexed and not condition.is_common
        if may_be_rare and self._is_rare("run_texts", [condition.found], condition.parameters, RARE):
            key = self._database.dialect.text_key
            lookup = _build_text_lookup(condition) if self._last_count else "1 = 0"
            self._rare.append(f"runs.run_key IN (SELECT {key} FROM run_texts WHERE {lookup})")  # noqa: S608
            self._limit_matches()
        elif self._rare:
            self._common.append(self._build_text_check(condition))
        else:
            self.text = condition

    def _limit_matches(self) -> None:
        """Lower the upper bound of matching runs to the row count of the condition that was last found to be rare."""
        known = self._last_count if self.most_matches is None else self.most_matches
        self.most_matches = min(self._last_count, known)

    def _build_text_check(self, condition: TextCondition) -> str:
        key = self._database.dialect.text_key
        return f"EXISTS (SELECT 1 FROM run_texts WHERE {key} = runs.run_key AND {condition.checked})"  # noqa: S608

    def _is_rare(
        self, table: str, conditions: Sequence[str], parameters: Mapping[str, object], max_rows: int | None = None
    ) -> bool:
        """Return whether few rows of a table meet any of the conditions, each of which covers one index range."""
        max_rows = self._bound if max_rows is None else max_rows
        rows = " UNION ALL ".join(f"SELECT 1 FROM {table} WHERE {each}" for each in conditions)  # noqa: S608
        found = self._database.row(
            f"SELECT count(*) AS found FROM ({rows} LIMIT {max_rows}) AS few",  # noqa: S608
            **parameters,
        )
        self._last_count = 0 if found is None else int(found["found"])
        return self._last_count < max_rows


def _build_text_lookup(condition: TextCondition) -> str:
    """Return the SQL condition that finds exactly the matching rows of `run_texts` through its index."""
    return condition.found if condition.is_exact else f"{condition.found} AND {condition.checked}"


def _list_conditions(run_filter: RunFilter) -> Sequence[Condition]:
    """Return the conditions, all of which must hold, on metrics, parameters and other values."""
    from mlrun_cli.runs.where.condition import AllOf, Predicate  # noqa: PLC0415 - start-up
    from mlrun_cli.runs.where.value_name import ValueName  # noqa: PLC0415

    metrics = (Predicate(ValueName(METRIC, m.name, m.which), m.operator, values=(m.value,)) for m in run_filter.metrics)
    parameters = (Predicate(ValueName(PARAMETER, p.name), p.operator, values=(p.value,)) for p in run_filter.parameters)
    where: Sequence[Condition] = () if run_filter.where is None else [run_filter.where]
    if isinstance(run_filter.where, AllOf):
        where = run_filter.where.conditions
    return [*metrics, *parameters, *where]


def _join_conditions(conditions: Iterable[str]) -> str:
    return " AND ".join(conditions) or "1 = 1"
