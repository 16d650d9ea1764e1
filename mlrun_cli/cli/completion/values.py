"""Suggestions for the values of options and arguments, chosen by the names of the options.

A command declares nothing for them: an option named `--run` is completed by run ids wherever it occurs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import typer

from mlrun_cli.actions.workspaces import get_home
from mlrun_cli.cli.context import resolve_workspace_identity
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.folders.project_config import find_project_config
from mlrun_cli.store.completion import CompletionStore, NameSource
from mlrun_cli.workspace_locator import WorkspaceLocator, iterate_identities, locate_workspace

_Suggestions: TypeAlias = Sequence[tuple[str, str]]
_Completer: TypeAlias = Callable[[typer.Context, str], _Suggestions]

_LATEST = "@latest"
_MAX_RUNS = 50
_MAX_NAMES = 200
_UNSAFE = frozenset("\\\"'`$")
"""Characters by which a suggestion could end a quoted text in a shell that evaluates the answer; others are escaped."""
_VALUE_PREFIXES = {NameSource.METRIC: "metric.", NameSource.PARAMETER: "param.", NameSource.TAG: "tag."}
"""How the names of values begin in conditions, if they are written in full; those of tags always are."""
_PAIR = "KEY=VALUE"
"""The placeholder of options that add a tag with its value."""
_OF_LIVE_RUNS = frozenset({"cancel", "wait"})


def find_completer(option_or_argument: Option | Argument) -> _Completer | None:
    """Return the completer for the values of an option or argument; None if it has no completion."""
    names = (
        *(option_or_argument.names if isinstance(option_or_argument, Option) else ()),
        option_or_argument.metavar or "",
    )
    completer = next((_BY_NAME[name] for name in names if name in _BY_NAME), None)
    if completer is _complete_tags and option_or_argument.metavar == _PAIR:
        completer = _complete_tag_pairs
    return None if completer is None else _build_safe_completer(completer)


def _build_safe_completer(completer: _Completer) -> Callable[[typer.Context, str], _Suggestions]:
    """Return a completer that omits values with characters that a shell might interpret."""

    def complete(ctx: typer.Context, incomplete: str) -> _Suggestions:
        return [
            (value, "".join(char if char.isprintable() and char not in _UNSAFE else " " for char in text).strip())
            for value, text in completer(ctx, incomplete)
            if value and value.isprintable() and _UNSAFE.isdisjoint(value)
        ]

    return complete


def _get_workspace_locator(ctx: typer.Context) -> WorkspaceLocator:
    identity = resolve_workspace_identity(_get_global_options(ctx), find_project_config(_get_folder(ctx)))
    return locate_workspace(get_home(), identity)


def _open_completion_store(ctx: typer.Context) -> CompletionStore:
    return CompletionStore(_get_workspace_locator(ctx).database)


def _get_global_options(ctx: typer.Context) -> GlobalOptions:
    return GlobalOptions(
        workspace_name=ctx.params.get("workspace_name"),
        resource_group=ctx.params.get("resource_group"),
        subscription_id=ctx.params.get("subscription_id"),
    )


def _get_folder(ctx: typer.Context) -> Path:
    return Path(ctx.params.get("path") or ".")


def _complete_run_ids(ctx: typer.Context, incomplete: str) -> _Suggestions:
    if ctx.info_name == "restore":
        deleted = _open_completion_store(ctx).list_deleted_runs(incomplete, _MAX_RUNS)
        return [*deleted, (_LATEST, "the newest run in the trash")]
    only_live = ctx.info_name in _OF_LIVE_RUNS
    store = _open_completion_store(ctx)
    runs = store.list_runs(incomplete, _MAX_RUNS, only_live=only_live)
    found = [(run.run_id, ", ".join(filter(None, (run.status, run.display_name)))) for run in runs]
    # Without a word, the names are shown beside the ids: each run is suggested once.
    named = store.list_runs_by_display_name(incomplete, _MAX_RUNS, only_live=only_live) if incomplete else []
    found += [(run.display_name or "", f"{run.status}, {run.run_id}") for run in named]
    return [*found, (_LATEST, "the newest run of the experiment")]


def _complete_snapshot_files(ctx: typer.Context, incomplete: str) -> _Suggestions:
    from mlrun_cli.snapshots.content_store import SnapshotStore  # noqa: PLC0415 - start-up
    from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY, EntryKind  # noqa: PLC0415

    store, run_id = _open_completion_store(ctx), ctx.params.get("run_id")
    if run_id == _LATEST:
        config = find_project_config(_get_folder(ctx))
        experiment = ctx.params.get("experiment_name") or (config and config.experiment_name)
        run_id = store.find_newest_run_id(experiment or "")
    snapshot_id = store.find_property(run_id or "", SNAPSHOT_PROPERTY)
    snapshot = (
        None
        if snapshot_id is None
        else SnapshotStore(_get_workspace_locator(ctx).snapshots_folder).find_manifest(snapshot_id)
    )
    files = [] if snapshot is None else [each.path for each in snapshot.entries if each.kind is EntryKind.FILE]
    return [(path, "") for path in files if path.startswith(incomplete)][:_MAX_NAMES]


def _build_name_completer(*sources: NameSource, other_options: Sequence[str] = ()) -> _Completer:
    """Return a completer that suggests names in the store, preceded by some fixed values."""

    def complete(ctx: typer.Context, incomplete: str) -> _Suggestions:
        store = _open_completion_store(ctx)
        stored = [
            (name, source.name.lower())
            for source in sources
            for name in store.list_names(source, incomplete, _MAX_NAMES)
        ]
        return [
            *((name, "") for name in other_options),
            *(stored if len(sources) > 1 else ((name, "") for name, _ in stored)),
        ]

    return complete


def _complete_names(ctx: typer.Context, incomplete: str) -> _Suggestions:
    """Return suggestions for `--name`, the name of an object of the kind that the command group is about."""
    group = ctx.parent.info_name if ctx.parent is not None else ""
    sources = {
        "computetarget": NameSource.TARGET,
        "dataset": NameSource.DATASET,
        "datastore": NameSource.DATASTORE,
        "environment": NameSource.ENVIRONMENT,
        "experiment": NameSource.EXPERIMENT,
        "model": NameSource.MODEL,
        "run": NameSource.METRIC,
    }
    if group == "runconfig":
        return _complete_runconfigs(ctx, incomplete)
    source = sources.get(group or "")
    return [] if source is None else _build_name_completer(source)(ctx, incomplete)


def _complete_experiments(ctx: typer.Context, incomplete: str) -> _Suggestions:
    is_deleted = ctx.command_path.endswith("experiment restore")
    source = NameSource.DELETED_EXPERIMENT if is_deleted else NameSource.EXPERIMENT
    return _build_name_completer(source)(ctx, incomplete)


def _complete_runconfigs(ctx: typer.Context, _incomplete: str) -> _Suggestions:
    from mlrun_cli.runconfigs.lookup import list_runconfig_names  # noqa: PLC0415 - start-up

    return [(name, "") for name in list_runconfig_names(_get_folder(ctx))]


def _complete_workspaces(_ctx: typer.Context, _incomplete: str) -> _Suggestions:
    return [(identity.name, identity.resource_group) for identity in iterate_identities(get_home())]


def _complete_resource_groups(_ctx: typer.Context, _incomplete: str) -> _Suggestions:
    return [(name, "") for name in dict.fromkeys(each.resource_group for each in iterate_identities(get_home()))]


def _complete_statuses(_ctx: typer.Context, incomplete: str) -> _Suggestions:
    from mlrun_cli.runs.status import ACTIVE, RunStatus  # noqa: PLC0415 - start-up

    before, comma, word = incomplete.rpartition(",")
    statuses = (ACTIVE, *(each.value for each in RunStatus))
    return [(f"{before}{comma}{each if word[:1].isupper() else each.lower()}", "") for each in statuses]


def _complete_formats(_ctx: typer.Context, _incomplete: str) -> _Suggestions:
    from mlrun_cli.cli.output.formats import OutputFormat  # noqa: PLC0415 - start-up

    return [(each.value, "") for each in OutputFormat]


def _complete_environment_modes(_ctx: typer.Context, _incomplete: str) -> _Suggestions:
    from mlrun_cli.environments.mode import EnvironmentMode  # noqa: PLC0415 - start-up

    return [(each.value, "") for each in EnvironmentMode]


def _build_value_name_completer(
    *sources: NameSource, get_fields: Callable[[], Iterable[str]] = tuple, fixed_values: Sequence[str] = ()
) -> _Completer:
    """Return a completer for the last name in a list or condition; it also suggests fields and fixed values.

    Names that have to be quoted are left out: a shell could not tell such quotes from its own.
    """

    def complete(ctx: typer.Context, incomplete: str) -> _Suggestions:
        from mlrun_cli.metrics.metric import SUMMARIES  # noqa: PLC0415 - start-up
        from mlrun_cli.runs.where.value_name import PLAIN, ValueName  # noqa: PLC0415

        store = _open_completion_store(ctx)
        word = re.split(r"[\s(,]", incomplete)[-1]
        before = incomplete[: len(incomplete) - len(word)]
        found = [(value, "") for value in fixed_values]
        is_in_function = (
            re.search(rf"\b(?:{'|'.join(SUMMARIES)})\(\s*[^\s(),]*$", incomplete, re.IGNORECASE) is not None
        )
        for source in (NameSource.METRIC,) if is_in_function else sources:
            prefix, kind = _VALUE_PREFIXES[source], source.name.lower()
            is_prefixed = source is NameSource.TAG or word.startswith(prefix)
            if is_prefixed and not word.startswith(prefix[: len(word)]):
                continue
            for name in store.list_names(source, word[len(prefix) :] if is_prefixed else word, _MAX_NAMES):
                plain, prefixed = str(ValueName(PLAIN, name)), str(ValueName(kind, name))
                written = prefixed if is_prefixed or plain != name else plain
                found.append((before + written, kind if len(sources) > 1 else ""))
        return [*found, *((before + name, "field") for name in (() if is_in_function else get_fields()))]

    return complete


def _get_condition_fields() -> Iterable[str]:
    from mlrun_cli.runs.where.value_name import FIELDS  # noqa: PLC0415 - start-up

    return FIELDS


def _get_sort_fields() -> Iterable[str]:
    from mlrun_cli.runs.order import COLUMNS  # noqa: PLC0415 - start-up

    return COLUMNS


def _build_pair_completer(source: NameSource) -> _Completer:
    """Return a completer that suggests names in the store, each followed by an equals sign."""
    complete_name = _build_name_completer(source)

    def complete(ctx: typer.Context, incomplete: str) -> _Suggestions:
        return [(f"{name}=", text) for name, text in complete_name(ctx, incomplete)]

    return complete


_complete_tags = _build_name_completer(NameSource.TAG)
_complete_tag_pairs = _build_pair_completer(NameSource.TAG)
_complete_targets = _build_name_completer(NameSource.TARGET, other_options=["local"])

_BY_NAME: Mapping[str, _Completer] = {
    **dict.fromkeys(
        ("--run", "--run-id", "--parent-run-id", "--pipeline-run-id", "--after"),
        _complete_run_ids,
    ),
    **dict.fromkeys(("--tags", "--tag", "--remove-tag"), _complete_tags),
    "--add-tag": _complete_tag_pairs,
    **dict.fromkeys(("--target", "--compute-target-name"), _complete_targets),
    **dict.fromkeys(("--datastore", "--src-datastore"), _build_name_completer(NameSource.DATASTORE)),
    **dict.fromkeys(("NAME", "[NAME]..."), _complete_names),
    "--cat": _complete_snapshot_files,
    "--group-by": _build_value_name_completer(NameSource.PARAMETER, NameSource.TAG),
    "--metrics": _build_value_name_completer(NameSource.METRIC, fixed_values=("all", "best")),
    "--params": _build_value_name_completer(NameSource.PARAMETER, fixed_values=("all", "differing")),
    "--set": _build_pair_completer(NameSource.PARAMETER),
    "--sort": _build_value_name_completer(*_VALUE_PREFIXES, get_fields=_get_sort_fields),
    "--where": _build_value_name_completer(*_VALUE_PREFIXES, get_fields=_get_condition_fields),
    "--workspace-name": _complete_workspaces,
    "--environment": _complete_environment_modes,
    "--environment-name": _build_name_completer(NameSource.ENVIRONMENT),
    "--experiment-name": _complete_experiments,
    "--model-name": _build_name_completer(NameSource.MODEL),
    "--name": _complete_names,
    "--output": _complete_formats,
    "--resource-group": _complete_resource_groups,
    "--run-configuration-name": _complete_runconfigs,
    "--status": _complete_statuses,
}
"""Completers, keyed by the long name of an option or the placeholder of an argument."""
