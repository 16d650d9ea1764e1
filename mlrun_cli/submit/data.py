"""The binding of a run's data: the inputs, references, outputs and volumes of a configuration."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.problems import Problems
from mlrun_cli.data.binding import (
    DIRECT,
    DOWNLOAD,
    MOUNT,
    InputBinding,
    OutputBinding,
    ReferenceBinding,
    parse_inputs,
    parse_outputs,
    parse_references,
)
from mlrun_cli.data.dataset import check_dataset_name
from mlrun_cli.data.placeholders import DATASET, OUTPUT, REFERENCE
from mlrun_cli.environments.docker_arguments import Volume
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.submit.data_locator import DataLocator, call_with_error_context
from mlrun_cli.submit.data_values import SECTIONS, DataValues
from mlrun_cli.submit.run_data import RunData
from mlrun_cli.targets.base import Target
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:  # start-up: few submissions repeat an earlier run
    from mlrun_cli.submit.earlier_runs import EarlierRun

_Binding = TypeVar("_Binding", InputBinding, OutputBinding, ReferenceBinding)


def bind_data(
    workspace: Workspace,
    configuration: RunConfiguration,
    run_id: str,
    source: Path,
    volumes: Sequence[Volume] = (),
    *,
    environ: Mapping[str, str] | None = None,
    earlier: EarlierRun | None = None,
    target: Target | None = None,
) -> RunData:
    """Locate a run's data, create copies and folders, and return the paths, variables and notes for the run.

    Args:
        workspace: the workspace of the datasets and datastores.
        configuration: the configuration of the run.
        run_id: the id of the run, whose folder exists; downloads go to `inputs` in that folder.
        source: the folder that local paths are relative to.
        volumes: the volumes of a container that is not started.
        environ: the submitter's variables.
        earlier: the run that is repeated; the paths of its data, which its arguments may have, are redirected to those
            of this run.
        target: the compute target; None means this machine.

    Raises:
        UsageError: a section is not valid, a placeholder refers to an entry that does not exist, or the nodes of the
            target do not see a path.
        DataNotFound: a dataset, a datastore or a file does not exist.
        SeveralProblems: there are several such errors.
        MlrunError: a file cannot be copied or downloaded, or a folder cannot be created.
    """
    binder = _Binder(workspace, run_id, source, environ or {}, target=target)
    if earlier is not None:
        binder.redirect_copies(earlier.run.run_id)
    return _bind_all_sections(binder, configuration, volumes, earlier)


def preview_data(
    workspace: Workspace,
    configuration: RunConfiguration,
    source: Path,
    volumes: Sequence[Volume] = (),
    *,
    environ: Mapping[str, str] | None = None,
    earlier: EarlierRun | None = None,
    target: Target | None = None,
) -> RunData:
    """Return the data that `bind_data` would bind, with `{run-id}` instead of the run's id, without creating anything.

    Raises:
        UsageError, DataNotFound: as `bind_data`.
    """
    binder = _Binder(workspace, "{run-id}", source, environ or {}, target=target, is_preview=True)
    return _bind_all_sections(binder, configuration, volumes, earlier)


def _bind_all_sections(
    binder: _Binder, configuration: RunConfiguration, volumes: Sequence[Volume], earlier: EarlierRun | None
) -> RunData:
    binder.bind_section(configuration, DATASET, parse_inputs, binder.bind_input)
    binder.bind_section(configuration, REFERENCE, parse_references, binder.bind_reference)
    binder.bind_section(configuration, OUTPUT, parse_outputs, binder.bind_output)
    for volume in volumes:
        binder.bind_volume(volume)
    if earlier is not None:
        binder.redirect_paths(earlier.get_data_paths())
    return binder.build_run_data(configuration)


class _Binder:
    """The binding of a configuration's entries: it locates the data of each entry and records its values."""

    def __init__(
        self,
        workspace: Workspace,
        run_id: str,
        source: Path,
        environ: Mapping[str, str],
        *,
        target: Target | None,
        is_preview: bool = False,
    ) -> None:
        self._workspace = workspace
        self._run_id = run_id
        self._data = RunData()
        self._values = DataValues(self._data)
        self._locator = DataLocator(
            workspace, run_id, source, environ, self._data, target=target, is_preview=is_preview
        )
        self._problems = Problems()

    def redirect_copies(self, earlier_run_id: str) -> None:
        """Replace the paths of an earlier run's data copies with the paths of this run's copies."""
        self._values.set_path(
            str(self._locator.get_copies_folder(earlier_run_id)), str(self._locator.get_copies_folder(self._run_id))
        )

    def redirect_paths(self, earlier_paths: Mapping[str, str]) -> None:
        """Replace the recorded paths of an earlier run's data with the current paths, for example in a copied home."""
        for name, path in earlier_paths.items():
            if found := self._data.variables.get(f"{REFERENCE}_{name}"):
                self._values.set_path(path, found)

    def bind_section(
        self,
        configuration: RunConfiguration,
        kind: str,
        read: Callable[[object], list[_Binding]],
        bind: Callable[[_Binding], None],
    ) -> None:
        """Bind all entries of a section; errors name the file and line of the entry."""
        section = SECTIONS[kind]
        given: Any = configuration.rest.get(section)
        names = list(given) if isinstance(given, dict) else []
        for name, key_path, part in [(n, f"{section}.{n}", {n: given[n]}) for n in names] or [("", section, given)]:
            is_bound = False
            with self._problems.collect_errors(), configuration.locate_errors(key_path):
                for binding in read(part):
                    bind(binding)
                is_bound = True
            if not is_bound:
                self._values.set_empty(kind, name)

    def bind_input(self, binding: InputBinding) -> None:
        where = f"data.{binding.name}"
        dataset = self._locator.resolve_dataset(where, binding)
        path = None if binding.mechanism == DIRECT else self._locator.resolve_input_path(where, binding, dataset)
        if path is not None and binding.path_on_compute:
            path = self._resolve_path_on_compute(where, binding.name, binding.path_on_compute, path)
        # In Azure too a script is told the id of a dataset that it gets as such.
        value = dataset.dataset_id if path is None else str(path)
        self._data.variables[binding.variable] = value
        self._values.set(DATASET, binding.name, value)
        self._data.inputs.append(
            {
                "name": binding.name,
                "dataset_id": dataset.dataset_id,
                "path": None if path is None else value,
                "mechanism": binding.mechanism,
                **({"path_on_compute": binding.path_on_compute} if binding.path_on_compute else {}),
            }
        )

    def bind_reference(self, binding: ReferenceBinding) -> None:
        where = f"dataReferences.{binding.name}"
        datastore = call_with_error_context(where, lambda: get_datastore(self._workspace, binding.datastore))
        path = call_with_error_context(where, lambda: datastore.resolve_path(binding.path))
        if binding.mode == DOWNLOAD:
            files = self._locator.find_files(where, path, datastore, binding.path or "")
            path = self._locator.copy_or_link(files, binding.name, DOWNLOAD)
        else:
            self._locator.check_accessible_to_nodes(where, path)
            if binding.mode == MOUNT:
                self._locator.check_mount(where, path, datastore, may_be_written_before=binding.may_be_written_before)
            self._locator.create_folder(where, path.parent if binding.is_output else path, datastore)
        if binding.path_on_compute:
            path = self._resolve_path_on_compute(
                where, binding.name, binding.path_on_compute, path, is_written=binding.is_output
            )
        self._values.set(REFERENCE, binding.name, str(path))
        self._data.references[binding.name] = {
            "dataStoreName": datastore.name,
            "mode": binding.mode,
            "pathOnDataStore": binding.path,
            "pathOnCompute": binding.path_on_compute,
        }

    def bind_output(self, binding: OutputBinding) -> None:
        where = f"outputData.{binding.name}"
        datastore = call_with_error_context(where, lambda: get_datastore(self._workspace, binding.datastore))
        relative = (binding.path or "dataset/{run-id}/{output-name}").strip("/")
        relative = relative.replace("{run-id}", self._run_id).replace("{output-name}", binding.name)
        path = call_with_error_context(where, lambda: datastore.resolve_path(relative))
        if binding.registration is not None:
            name = binding.registration["name"]
            call_with_error_context(f"{where}.registrationOptions", lambda: check_dataset_name(name))
        self._locator.check_accessible_to_nodes(where, path)
        self._locator.create_folder(where, path, datastore)
        self._data.variables[binding.name] = str(path)
        self._values.set(OUTPUT, binding.name, str(path))
        self._data.outputs.append(
            {
                "name": binding.name,
                "datastore": datastore.name,
                "relative_path": relative,
                "path": str(path),
                "mechanism": binding.mechanism,
                "registration": None
                if binding.registration is None
                else _build_registration_record(binding.registration),
            }
        )

    def bind_volume(self, volume: Volume) -> None:
        """Map the path of a volume in a container to its source on this machine."""
        self._locator.check_accessible_to_nodes("docker.arguments", Path(volume.source))
        self._values.set_path(volume.target, volume.source)
        doubt = "" if os.path.exists(volume.source) else ", which is not there"
        self._data.notes.append(
            f"docker.arguments: {volume.words}: there is no container; arguments and variables that name "
            f"{volume.target} are given {volume.source}{doubt}."
        )

    def _resolve_path_on_compute(
        self, error_context: str, name: str, path_on_compute: str, path: Path, *, is_written: bool = False
    ) -> Path:
        """Return the local path of data that the script expects at `pathOnCompute` on Azure's machines.

        As there, a relative path is one in the working folder; only data that the script reads are linked there.
        """
        folder, path = self._locator.get_input_paths(name, path)
        relative = posixpath.normpath(path_on_compute)
        if not is_written and relative != "." and not relative.startswith(("/", "..")):
            self._data.links[relative] = str(folder)
            return path
        if path_on_compute.startswith("/"):
            self._values.set_path(path_on_compute, str(folder))
        self._data.notes.append(
            f"{error_context}.pathOnCompute: {path_on_compute} is not made here; the data is at {folder}, and "
            "arguments and variables that name the one are given the other."
        )
        return path

    def build_run_data(self, configuration: RunConfiguration) -> RunData:
        self._values.substitute(configuration, self._problems)
        self._problems.raise_if_any()
        return self._data


def _build_registration_record(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the registration options that `register_outputs` needs, collected from their nested sections."""
    transformed = (options.get("datasetRegistrationOptions") or {}).get("additionalTransformation")
    more = transformed if isinstance(transformed, Mapping) else {}
    return {
        "name": options["name"],
        "description": options.get("description"),
        "tags": options.get("tags"),
        "kind": more.get("kind"),
        "options": more.get("options"),
        "steps": more.get("steps"),
        "glob": more.get("glob"),
    }
