"""Register, find, list and label environments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.names import check_text
from mlrun_cli.core.temporary import open_fd_atomically
from mlrun_cli.environments.curated import (
    find_curated_environment,
    find_unavailability_reason,
    is_curated_name,
    list_curated_names,
)
from mlrun_cli.environments.registered import (
    LATEST,
    RegisteredEnvironment,
    choose_next_version,
    compute_definition_digest,
)
from mlrun_cli.errors import (
    AlreadyExists,
    ConflictingOptions,
    EnvironmentNotFound,
    InvalidName,
    MissingFile,
    ReservedName,
)
from mlrun_cli.runconfigs.runconfig import parse_configuration_document
from mlrun_cli.wire import copying
from mlrun_cli.workspace import Workspace


def register_environment(workspace: Workspace, name: str, definition: Mapping[str, Any]) -> RegisteredEnvironment:
    """Register an environment under its definition's version if that is free, or else under the next; return it.

    If the definition equals the newest version or the specified version, no version is added.

    Raises:
        UsageError: the name is not valid, or is reserved for Azure's environments.
        InvalidFile, Unsupported: the definition cannot be used for runs.
    """
    check_environment_name(name)
    parse_configuration_document({"environment": definition}, Path(name))
    digest = compute_definition_digest(definition)
    wanted = definition.get("version")
    with workspace.transaction(durable=True):
        versions = workspace.environments.list_versions(name)
        by_version = {one.version: one for one in versions}
        same = [by_version.get(str(wanted)), versions[-1] if versions else None]
        for one in same:
            if one is not None and one.digest == digest:
                return one
        is_free = wanted and str(wanted) not in by_version
        version = str(wanted) if is_free else choose_next_version(list(by_version))
        workspace.environments.insert(name, version, definition, digest)
    return workspace.environments.get(name, version)


def check_environment_name(name: str) -> None:
    """Raise if this is not a valid name for a registered environment.

    Raises:
        UsageError: it is empty, not text, or reserved for Azure's environments.
    """
    check_text("the environment's name", name)
    if not name.strip():
        raise InvalidName("The environment has no name.", hint="Give it a name.")
    if is_curated_name(name):
        raise ReservedName(
            f"The environment '{name}' cannot be registered: names that begin so are Azure's own.",
            hint="Register it under another name, which Environment.clone gives it.",
            target=name,
        )


def get_environment(
    workspace: Workspace, name: str, version: str | None = None, label: str | None = None
) -> RegisteredEnvironment:
    """Return a registered or curated environment by version or label, by default the newest version.

    A curated environment has one content here, whichever version or label is requested.

    Raises:
        UsageError: both are given.
        EnvironmentNotFound: it does not exist; the message lists the existing ones.
    """
    if version is not None and label is not None:
        raise ConflictingOptions("Both a version and a label are given.", hint="Give only one of them.")
    if is_curated_name(name):
        return _get_curated_environment(name, version)
    versions = workspace.environments.list_versions(name)
    if not versions:
        raise _build_not_found_error(workspace, name)
    if label is not None and label != LATEST:
        found = [one for one in versions if label in one.labels]
        if not found:
            raise EnvironmentNotFound(f"The environment '{name}' has no version with the label '{label}'.", target=name)
        return found[-1]
    if version is not None and version != LATEST:
        return _select_version(versions, version)
    return versions[-1]


def list_environments(workspace: Workspace) -> Sequence[RegisteredEnvironment]:
    """Return the newest version of every registered environment, sorted by name."""
    return workspace.environments.list_newest_versions()


def list_curated_environments() -> Sequence[RegisteredEnvironment]:
    """Return the curated environments of Azure that are available here, sorted by name."""
    return [_get_curated_environment(name, None) for name in list_curated_names()]


def label_environment(workspace: Workspace, name: str, version: str, labels: Sequence[str]) -> None:
    """Add labels to a version of an environment, and remove the same labels from its other versions.

    Raises:
        UsageError: the label is the one that the newest version always has.
        EnvironmentNotFound: there is no such version.
    """
    if LATEST in labels:
        raise ReservedName(
            f"The label '{LATEST}' is the newest version's.", hint="Choose another label.", target=LATEST
        )
    with workspace.transaction():
        versions = workspace.environments.list_versions(name)
        if not versions:
            raise _build_not_found_error(workspace, name)
        labelled = _select_version(versions, version)
        for one in versions:
            kept = [label for label in one.labels if label not in labels]
            if one is labelled:
                workspace.environments.set_labels(one.key, [*kept, *dict.fromkeys(labels)])
            elif len(kept) < len(one.labels):
                workspace.environments.set_labels(one.key, kept)


def add_wheel(workspace: Workspace, path: Path, *, may_exist: bool) -> str:
    """Store a copy of a wheel in the workspace and return its URL.

    Raises:
        UsageError: there is no such file, or a wheel with this name is already stored.
    """
    if not path.is_file():
        raise MissingFile(f"The wheel '{path}' does not exist.", hint="Name a file that exists.", target=path)
    kept = workspace.folder / "wheels" / path.name
    if kept.exists() and not may_exist:
        raise AlreadyExists(
            f"The wheel '{path.name}' already exists in the workspace.",
            hint="exist_ok=True gives its address.",
            target=path.name,
        )
    if not kept.exists():
        make_private_folder(kept.parent)
        with path.open("rb") as wheel, open_fd_atomically(kept) as file:
            copying.copy(wheel.fileno(), file, os.fstat(wheel.fileno()).st_size)
    return kept.as_uri()


def _get_curated_environment(name: str, version: str | None) -> RegisteredEnvironment:
    found = find_curated_environment(name)
    if found is None:
        refusal = find_unavailability_reason(name)
        if refusal is not None:
            reason, way_out = refusal
            raise EnvironmentNotFound(
                f"The environment '{name}' cannot be had here: it {reason}.", hint=way_out, target=name
            )
        from difflib import get_close_matches  # noqa: PLC0415 - not on the way of what succeeds

        meant = get_close_matches(name.casefold(), [each.casefold() for each in list_curated_names()], n=1)
        guess = next((f"Did you mean '{each}'? " for each in list_curated_names() if each.casefold() in meant), "")
        raise EnvironmentNotFound(
            f"The environment '{name}' is none of Azure's own whose packages are known here.",
            hint=f"{guess}'mlrun environment list --curated' shows those that are. Else name its packages in a conda "
            "file and use Environment.from_conda_specification.",
            target=name,
        )
    definition = found.build_definition()
    wanted = "1" if version is None or version == LATEST else version
    return RegisteredEnvironment(0, found.name, wanted, definition, compute_definition_digest(definition), (), 0)


def _select_version(versions: Sequence[RegisteredEnvironment], version: str) -> RegisteredEnvironment:
    for one in versions:
        if one.version == version:
            return one
    known = ", ".join(one.version for one in versions)
    raise EnvironmentNotFound(
        f"The environment '{versions[0].name}' has no version {version}, only {known}.", target=versions[0].name
    )


def _build_not_found_error(workspace: Workspace, name: str) -> EnvironmentNotFound:
    names = [one.name for one in workspace.environments.list_newest_versions()]
    known = f"There are: {', '.join(names)}." if names else "None is registered."
    return EnvironmentNotFound(
        f"There is no environment '{name}'. {known}",
        hint="'mlrun environment register', or Environment.register, keeps one in the workspace.",
        target=name,
    )
