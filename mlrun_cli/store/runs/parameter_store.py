"""The parameters of runs, stored with new runs and read step by step from the definitions of older runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from mlrun_cli.runs.parameters import Parameter, Parameters, get_definition_parameters
from mlrun_cli.store.db.database import Database, Row, build_in_lists

_COLUMNS = ("run_key", "name", "sort_value", "text")
_IS_UNREAD = (
    "(run_key < (SELECT max(below_key) FROM parameter_backfill) OR run_key IN (SELECT run_key FROM unread_runs))"
)


class ParameterStore:
    """Reads and writes the parameters of runs.

    Runs that were stored by an older program are *unread* until `store_unread_parameters` has stored their
    parameters. The parameters of a given run are right at any time; conditions and orders of runs do not see those of
    unread runs.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def set(self, run_key: int, parameters: Parameters) -> None:
        """Set parameters of a run, in the caller's transaction; parameters with other names are unchanged."""
        for name, parameter in parameters.items():
            self._database.execute(
                "INSERT INTO run_parameters (run_key, name, sort_value, text)"
                " VALUES (:run_key, :name, :sort_value, :text)"
                " ON CONFLICT (run_key, name) DO UPDATE SET sort_value = excluded.sort_value, text = excluded.text",
                run_key=run_key,
                name=name,
                sort_value=parameter.sort_value,
                text=parameter.text,
            )
        self._database.execute("DELETE FROM unread_runs WHERE run_key = :run_key", run_key=run_key)

    def set_logged_parameters(self, run_key: int, parameters: Parameters) -> None:
        """Set parameters that a script has logged, in the caller's transaction; they override its arguments."""
        for name, parameter in parameters.items():
            self._database.execute(
                "INSERT INTO run_parameters (run_key, name, sort_value, text, is_logged)"
                " VALUES (:run_key, :name, :sort_value, :text, 1) ON CONFLICT (run_key, name) DO UPDATE"
                " SET sort_value = excluded.sort_value, text = excluded.text, is_logged = 1",
                run_key=run_key,
                name=name,
                sort_value=parameter.sort_value,
                text=parameter.text,
            )
        # Its triggers write the text by which runs are searched, and have the run recorded again.
        self._database.execute("UPDATE runs SET display_name = display_name WHERE run_key = :key", key=run_key)

    def get_logged_parameters(self, run_keys: Sequence[int]) -> Mapping[int, dict[str, str]]:
        """Return the texts of logged parameters, keyed by run key and name."""
        found: dict[int, dict[str, str]] = {}
        for places, keys in build_in_lists("run", run_keys):
            rows = self._database.rows(
                f"SELECT run_key, name, text FROM run_parameters WHERE run_key IN {places} AND is_logged = 1"  # noqa: S608
                " ORDER BY run_key, name",
                **keys,
            )
            for row in rows:
                found.setdefault(row["run_key"], {})[row["name"]] = row["text"]
        return found

    def store_definition_parameters(self, run_key: int) -> None:
        """Store the parameters from the definition of a newly inserted run, in the caller's transaction."""
        row = self._database.row("SELECT run_key, definition FROM runs WHERE run_key = :run_key", run_key=run_key)
        self.set(run_key, {} if row is None else _parse_definition(row))

    def get(self, run_key: int) -> Parameters:
        """Return the parameters of a run, sorted by name."""
        return self.get_for_runs([run_key]).get(run_key, {})

    def get_for_runs(self, run_keys: Sequence[int]) -> Mapping[int, Parameters]:
        """Return the parameters of runs, sorted by name and keyed by run key; runs without parameters are omitted."""
        found: dict[int, dict[str, Parameter]] = {}
        for places, keys in build_in_lists("run", run_keys):
            rows = self._database.rows(
                f"SELECT run_key, name, sort_value, text FROM run_parameters WHERE run_key IN {places}"  # noqa: S608
                " ORDER BY run_key, name",
                **keys,
            )
            for row in rows:
                number = row["sort_value"] if isinstance(row["sort_value"], float) else None
                found.setdefault(row["run_key"], {})[row["name"]] = Parameter(row["text"], number)
            for row in self._database.rows(
                f"SELECT run_key, definition FROM runs WHERE run_key IN {places}"  # noqa: S608
                f" AND definition IS NOT NULL AND {_IS_UNREAD}",
                **keys,
            ):
                parameters = _parse_definition(row) | found.get(row["run_key"], {})
                if parameters:
                    found[row["run_key"]] = dict(sorted(parameters.items()))
        return found

    def list_all_names(self, limit: int = 1000) -> Sequence[str]:
        """Return the first `limit` parameter names, in alphabetical order, of runs whose parameters have been read."""
        rows = self._database.rows(
            "WITH RECURSIVE each_name (name) AS (SELECT min(name) FROM run_parameters UNION ALL"
            " SELECT (SELECT min(name) FROM run_parameters WHERE name > each_name.name) FROM each_name"
            " WHERE each_name.name IS NOT NULL)"
            " SELECT name FROM each_name WHERE name IS NOT NULL LIMIT :limit",
            limit=limit,
        )
        return [row["name"] for row in rows]

    def has_name(self, name: str) -> bool:
        """Return whether any run whose parameters have been read has a parameter with this name."""
        row = self._database.row("SELECT 1 AS found FROM run_parameters WHERE name = :name LIMIT 1", name=name)
        return row is not None

    def has_unread_runs(self) -> bool:
        """Return whether the parameters of any run have not been read yet."""
        row = self._database.row(
            "SELECT EXISTS (SELECT 1 FROM parameter_backfill) OR EXISTS (SELECT 1 FROM unread_runs) AS found"
        )
        return row is not None and bool(row["found"])

    def store_unread_parameters(self, limit: int) -> bool:
        """Store the parameters, not read before, of up to `limit` runs, newest first; return whether more are left.

        Another process that does the same at the same time, or a kill, loses nothing.
        """
        with self._database.transaction():
            rows = self._database.rows(
                "SELECT runs.run_key, runs.definition FROM unread_runs JOIN runs ON runs.run_key = unread_runs.run_key"
                " ORDER BY unread_runs.run_key DESC LIMIT :limit",
                limit=limit,
            )
            if len(rows) < limit:
                rows = [*rows, *self._claim_older_runs(limit - len(rows), {row["run_key"] for row in rows})]
            self._store_parameters([(row["run_key"], _parse_definition(row)) for row in rows])
            return self.has_unread_runs()

    def _claim_older_runs(self, limit: int, excluded_keys: Collection[int]) -> Sequence[Row]:
        """Mark the newest remaining runs of earlier versions of this program as unread, and return their rows."""
        older = self._database.rows(
            "SELECT run_key, definition FROM runs WHERE run_key < (SELECT max(below_key) FROM parameter_backfill)"
            " ORDER BY run_key DESC LIMIT :limit",
            limit=limit,
        )
        if len(older) < limit:
            self._database.execute("DELETE FROM parameter_backfill")
        else:
            self._database.execute(
                "UPDATE parameter_backfill SET below_key = :below_key", below_key=older[-1]["run_key"]
            )
        rows = [row for row in older if row["definition"] is not None and row["run_key"] not in excluded_keys]
        self._database.insert_many("unread_runs", ("run_key",), [(row["run_key"],) for row in rows])
        return rows

    def _store_parameters(self, runs: Sequence[tuple[int, Parameters]]) -> None:
        """Store the parameters of unread runs, except parameters set in the meantime."""
        already = self._list_keys_and_names([key for key, _ in runs])
        self._database.insert_many(
            "run_parameters",
            _COLUMNS,
            [
                (key, name, parameter.sort_value, parameter.text)
                for key, parameters in runs
                for name, parameter in parameters.items()
                if (key, name) not in already
            ],
        )
        for places, keys in build_in_lists("run", [key for key, _ in runs]):
            self._database.execute(f"DELETE FROM unread_runs WHERE run_key IN {places}", **keys)  # noqa: S608

    def _list_keys_and_names(self, run_keys: Sequence[int]) -> Collection[tuple[int, str]]:
        """Return the run key and the name of each stored parameter of some runs."""
        found: set[tuple[int, str]] = set()
        for places, keys in build_in_lists("run", run_keys):
            rows = self._database.rows(f"SELECT run_key, name FROM run_parameters WHERE run_key IN {places}", **keys)  # noqa: S608
            found.update((row["run_key"], row["name"]) for row in rows)
        return found


def _parse_definition(row: Row) -> dict[str, Parameter]:
    try:
        definition = json.loads(row["definition"] or "null")
    except ValueError:
        return {}
    return dict(get_definition_parameters(definition if isinstance(definition, Mapping) else None))
