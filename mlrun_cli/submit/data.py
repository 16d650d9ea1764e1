"""The data of a run: which paths its script is given, and where its outputs go."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mlrun_cli.actions.datasets import check_definition_in, get_dataset, get_dataset_by_id
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.guid import new_guid
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.problems import Problems
from mlrun_cli.data.binding import (
    DATASET,
    DIRECT,
    DOWNLOAD,
    MOUNT,
    OUTPUT,
    PATH_ON_COMPUTE,
    REFERENCE,
    InputBinding,
    OutputBinding,
    Placeholders,
    ReferenceBinding,
    azure_name,
    read_inputs,
    read_outputs,
    read_references,
)
from mlrun_cli.data.copies import copy_privately, find_path_in_copy
from mlrun_cli.data.dataset import FILE_KIND, TABULAR_KIND, Dataset, Definition, check_dataset_name
from mlrun_cli.data.datastore import Datastore
from mlrun_cli.data.files import DataFile, DataFiles, FindDatastore, find_files, find_single_path
from mlrun_cli.environments.docker_arguments import Volume
from mlrun_cli.errors import DataNotFound, MlrunError, UsageError
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.submit.run_data import RunData
from mlrun_cli.workspace import Workspace

_Found = TypeVar("_Found")
_Binding = TypeVar("_Binding", InputBinding, OutputBinding, ReferenceBinding)

_SECTIONS = {DATASET: "data", OUTPUT: "outputData", REFERENCE: "dataReferences"}


def bind_data(
    workspace: Workspace,
    configuration: RunConfiguration,
    run_id: str,
    source: Path,
    volumes: Sequence[Volume] = (),
    *,
    environment: Mapping[str, str] | None = None,
    earlier_run_id: str | None = None,
) -> RunData:
    """Find a run's data and make it ready.

    Downloads are made in `inputs` of the run's folder, which has to be there. Paths of this machine that the
    configuration names are relative to `source`; `volumes` are those of a container that is not made; `environment`
    are the submitter's variables. What the configuration says of copies made for the run `earlier_run_id`, whose
    configuration it was, it says of this run's.

    Raises:
        UsageError: something in the sections cannot be right, or an argument stands for data that they do not name.
        DataNotFound: a dataset, a datastore or a file is not there.
        SeveralProblems: more than one of these.
        MlrunError: a file cannot be copied or downloaded, or a folder cannot be made.
    """
    binder = _Binder(workspace, run_id, source, environment or {})
    if earlier_run_id is not None:
        binder.replace_copies_of(earlier_run_id)
    return _bind(binder, configuration, volumes)


def preview_data(
    workspace: Workspace,
    configuration: RunConfiguration,
    source: Path,
    volumes: Sequence[Volume] = (),
    *,
    environment: Mapping[str, str] | None = None,
) -> RunData:
    """What `bind_data` would give a run, whose id stands as `{run-id}`; nothing is made, kept or copied.

    Raises:
        UsageError, DataNotFound: as `bind_data`.
    """
    binder = _Binder(workspace, "{run-id}", source, environment or {}, is_preview=True)
    return _bind(binder, configuration, volumes)


def _bind(binder: _Binder, configuration: RunConfiguration, volumes: Sequence[Volume]) -> RunData:
    binder.bind_each(configuration, DATASET, read_inputs, binder.bind_input)
    binder.bind_each(configuration, REFERENCE, read_references, binder.bind_reference)
    binder.bind_each(configuration, OUTPUT, read_outputs, binder.bind_output)
    for volume in volumes:
        binder.bind_volume(volume)
    return binder.finish(configuration)


class _Binder:
    def __init__(
        self,
        workspace: Workspace,
        run_id: str,
        source: Path,
        environment: Mapping[str, str],
        *,
        is_preview: bool = False,
    ) -> None:
        self._workspace = workspace
        self._environment = environment
        self._problems = Problems()
        self._is_preview = is_preview
        self._run_id = run_id
        self._source = source
        self._bound = RunData()
        self._values: dict[tuple[str, str], str] = {}
        self._shell_variables: dict[str, str] = {}
        self._placeholders = Placeholders()

    def replace_copies_of(self, run_id: str) -> None:
        """Have what names a copy that was made for another run name this run's."""
        copies, others = self._copies_of(self._run_id), self._copies_of(run_id)
        self._values[PATH_ON_COMPUTE, str(others)] = str(copies)

    def bind_each(
        self,
        configuration: RunConfiguration,
        kind: str,
        read: Callable[[object], list[_Binding]],
        bind: Callable[[_Binding], None],
    ) -> None:
        """Bind all entries of a section; of an error it is noted where in its file the entry stands."""
        section = _SECTIONS[kind]
        given: Any = configuration.rest.get(section)
        names = list(given) if isinstance(given, dict) else []
        for name, key_path, part in [(n, f"{section}.{n}", {n: given[n]}) for n in names] or [("", section, given)]:
            is_bound = False
            with self._problems.collecting(), configuration.locate_errors(key_path):
                for binding in read(part):
                    bind(binding)
                is_bound = True
            if not is_bound:  # no argument is to blame for naming it
                self._values.setdefault((kind, name), "")
                self._values.setdefault((REFERENCE, name), "")

    def bind_input(self, binding: InputBinding) -> None:
        where = f"data.{binding.name}"
        dataset = self._dataset(where, binding)
        path = None if binding.mechanism == DIRECT else self._path(where, binding, dataset)
        if path is not None and binding.path_on_compute:
            path = self._at_compute_path(where, binding.name, binding.path_on_compute, path)
        # In Azure too a script is told the id of a dataset that it gets as such.
        value = dataset.dataset_id if path is None else str(path)
        self._values[DATASET, binding.name] = self._values[REFERENCE, binding.name] = value
        self._bound.variables[binding.variable] = value
        self._bound.variables[f"{REFERENCE}_{binding.name}"] = value
        self._bound.inputs.append(
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
        datastore = _about(where, lambda: get_datastore(self._workspace, binding.datastore))
        path = _about(where, lambda: datastore.path(binding.path))
        if binding.mode == DOWNLOAD:
            path = self._copied(self._files(where, path, datastore, binding.path or ""), binding.name, DOWNLOAD)
        else:
            if binding.mode == MOUNT:
                self._check_mount(where, path, datastore)
            self._make(where, path, datastore)
        if binding.path_on_compute:
            path = self._at_compute_path(where, binding.name, binding.path_on_compute, path)
        self._values[REFERENCE, binding.name] = str(path)
        self._bound.variables[f"{REFERENCE}_{binding.name}"] = str(path)
        self._bound.references[binding.name] = {
            "dataStoreName": datastore.name,
            "mode": binding.mode,
            "pathOnDataStore": binding.path,
            "pathOnCompute": binding.path_on_compute,
        }

    def bind_output(self, binding: OutputBinding) -> None:
        where = f"outputData.{binding.name}"
        datastore = _about(where, lambda: get_datastore(self._workspace, binding.datastore))
        relative = (binding.path or "dataset/{run-id}/{output-name}").strip("/")
        relative = relative.replace("{run-id}", self._run_id).replace("{output-name}", binding.name)
        path = _about(where, lambda: datastore.path(relative))
        if binding.registration is not None:
            name = binding.registration["name"]
            _about(f"{where}.registrationOptions", lambda: check_dataset_name(name))
        self._make(where, path, datastore)
        self._values[OUTPUT, binding.name] = self._values[REFERENCE, binding.name] = str(path)
        self._bound.variables[binding.name] = str(path)
        self._bound.variables[f"{REFERENCE}_{binding.name}"] = str(path)
        self._bound.outputs.append(
            {
                "name": binding.name,
                "datastore": datastore.name,
                "relative_path": relative,
                "path": str(path),
                "mechanism": binding.mechanism,
                "registration": None if binding.registration is None else _registration(binding.registration),
            }
        )

    def bind_volume(self, volume: Volume) -> None:
        """Let what names the place of a volume in a container be given its place here."""
        self._values[PATH_ON_COMPUTE, volume.target.rstrip("/") or "/"] = volume.source
        doubt = "" if os.path.exists(volume.source) else ", which is not there"
        self._bound.notes.append(
            f"docker.arguments: {volume.words}: there is no container; arguments and variables that name "
            f"{volume.target} are given {volume.source}{doubt}."
        )

    def finish(self, configuration: RunConfiguration) -> RunData:
        self._add_azures_names()
        self._placeholders = Placeholders(name for kind, name in self._values if kind == PATH_ON_COMPUTE)
        for name, text in configuration.environment_variables.items():
            self._bound.variables[name] = self._placeholders.fill_paths(text, self._of("environmentVariables"))
        self._bound.arguments = tuple(self._arguments(configuration))
        command = configuration.command
        with self._problems.collecting(), configuration.locate_errors("command"):
            if isinstance(command, str):
                self._bound.command = self._placeholders.fill_shell(command, self._variable)
            elif command is not None:
                self._bound.command = tuple(self._filled("command", word) for word in command)
        self._problems.raise_if_any()
        return self._bound

    def _arguments(self, configuration: RunConfiguration) -> Iterator[str]:
        for index, text in enumerate(configuration.arguments):
            where = f"arguments[{index}]"
            with self._problems.collecting(), configuration.locate_errors(where):
                yield self._filled(where, text)

    def _add_azures_names(self) -> None:
        """Scripts and arguments written for Azure know data of a runconfig by the names that it gets there."""
        for (kind, name), value in [*self._values.items()]:
            self._values.setdefault((kind, azure_name(name)), value)
            if kind == REFERENCE:
                self._bound.variables.setdefault(f"{REFERENCE}_{azure_name(name)}", value)

    def _dataset(self, where: str, binding: InputBinding) -> Dataset:
        workspace = self._workspace
        if binding.dataset_id:
            dataset_id = binding.dataset_id
            return _registered(where, lambda: get_dataset_by_id(workspace, dataset_id, self._environment))
        if binding.dataset_name:
            name = binding.dataset_name
            return _registered(where, lambda: get_dataset(workspace, name, binding.dataset_version))
        definition = binding.definition or {"kind": FILE_KIND, "paths": [self._location(binding)]}
        checked = _about(where, lambda: check_definition_in(workspace, definition))
        if self._is_preview:
            return _unnamed("{dataset-id}", checked)
        new = self._bound.datasets
        found = workspace.datasets.find_unnamed(checked) or next(
            (one for one in new if one.definition == checked), None
        )
        if found is None:
            found = _unnamed(new_guid(), checked)
            new.append(found)
        return found

    def _location(self, binding: InputBinding) -> dict[str, str]:
        if binding.datastore:
            return {"datastore": binding.datastore, "path": binding.path or ""}
        uri = binding.uri or ""
        if "://" in uri:
            return {"url": uri}
        return {"path": str(self._source / Path(uri).expanduser())}

    def _path(self, where: str, binding: InputBinding, dataset: Dataset) -> Path:
        if dataset.definition["kind"] == TABULAR_KIND:
            raise UsageError(
                f"{where} is a table, and only files can be mounted or downloaded.",
                hint="Let its mechanism be 'direct', or make it a dataset of files with Dataset.File.from_files.",
            )
        if binding.mechanism == MOUNT:
            whole = _about(where, lambda: find_single_path(dataset.definition, self._find_datastore))
            if whole is not None:
                return whole
        files = _about(where, lambda: find_files(dataset.definition, self._find_datastore))
        if not files.files:
            raise DataNotFound(f"{where}: none of the files of its dataset is left after take, skip or random_split.")
        return self._copied(files, binding.name, binding.mechanism)

    def _copied(self, files: DataFiles, name: str, mechanism: str) -> Path:
        folder = self._input_folder(name)
        return find_path_in_copy(files, folder) if self._is_preview else copy_privately(files, folder, mechanism)

    def _make(self, where: str, path: Path, datastore: Datastore) -> None:
        if not self._is_preview:
            _make(where, path, datastore)

    @property
    def _find_datastore(self) -> FindDatastore:
        return lambda name: get_datastore(self._workspace, name)

    def _input_folder(self, name: str) -> Path:
        # The name is from outside, and may not lead out of the run's folder.
        return self._copies_of(self._run_id) / (name.replace("/", "_").lstrip(".") or "_")

    def _copies_of(self, run_id: str) -> Path:
        return self._workspace.run_folder(run_id).path / "inputs"

    def _files(self, where: str, path: Path, datastore: Datastore, below: str) -> DataFiles:
        """Those to be downloaded from a place in a datastore; none from one of the workspace's own that is empty."""
        definition = {"kind": FILE_KIND, "paths": [{"datastore": datastore.name, "path": below}]}
        try:
            return _about(where, lambda: find_files(definition, self._find_datastore))
        except DataNotFound as error:
            if not datastore.is_own:
                place = f" -u {shlex.quote(below)}" if below else ""
                words = f"mlrun datastore upload -n {datastore.name} -p FOLDER{place}"
                error.hint = f"Correct pathOnDataStore, or put files there: '{words}'."
                raise
        self._note_empty(where, path, datastore)
        return DataFiles([], None)

    def _check_mount(self, where: str, path: Path, datastore: Datastore) -> None:
        """Refuse a slip of the pen among the user's data; on Azure scripts also write to what is mounted."""
        if os.path.exists(path):  # `Path.exists` raises where one may not look
            return
        if not datastore.is_own:
            raise DataNotFound(
                f"{where}: There is no file or folder {path}, in datastore '{datastore.name}', to be mounted.",
                hint="Correct pathOnDataStore. A folder that the script is to fill is made with 'mode: upload'.",
            )
        self._note_empty(where, path, datastore)

    def _note_empty(self, where: str, path: Path, datastore: Datastore) -> None:
        is_there = os.path.exists(path)
        what = f"no file is yet at {path}," if is_there else f"{path.relative_to(datastore.folder)} is not yet"
        self._bound.notes.append(
            f"{where}: {what} in datastore '{datastore.name}': the script is given an empty folder."
        )

    def _at_compute_path(self, where: str, name: str, path_on_compute: str, path: Path) -> Path:
        """Return the path for the script; one file is in a folder that has the place of `pathOnCompute`, as in Azure.

        What was downloaded is in a folder of its own already; beside a file that stays where it lies there may be more.
        """
        folder = path
        if path.is_file() or path.parent == self._input_folder(name):
            folder = self._input_folder(name)
            if path.parent != folder and not self._is_preview:
                copy_privately(DataFiles([DataFile(path.name, str(path))], path), folder, MOUNT)
            path = folder / path.name
        if path_on_compute.startswith("/"):
            self._values[PATH_ON_COMPUTE, path_on_compute.rstrip("/") or "/"] = str(folder)
        self._bound.notes.append(
            f"{where}.pathOnCompute: {path_on_compute} is not made here; the data is at {folder}, and arguments and "
            "variables that name the one are given the other."
        )
        return path

    def _filled(self, where: str, text: str) -> str:
        return self._placeholders.fill(text, self._of(where))

    def _of(self, where: str) -> Callable[[str, str], str]:
        return lambda kind, name: self._value(where, kind, name)

    def _value(self, where: str, kind: str, name: str) -> str:
        value = self._values.get((kind, name))
        if value is not None:
            return value
        known = sorted(name for known_kind, name in self._values if known_kind == kind)
        there_are = f"There are: {', '.join(known)}." if known else "There is none."
        section = _SECTIONS[kind]
        raise UsageError(
            f"{where}: '{name}' is not in the section {section}. {there_are}",
            hint=f"Add it to {section}, or write a path instead.",
        )

    def _variable(self, kind: str, name: str) -> str | None:
        """The variable that gives the shell of a command a path; None for an expression that is the shell's own."""
        if kind == REFERENCE and (kind, name) not in self._values and not _is_shell_name(name):
            return None  # `${AZUREML_DATAREFERENCE_x:-/data}`
        value = self._value("command", kind, name)
        variable = f"{REFERENCE}_{name}"
        if not _is_shell_name(name) or self._bound.variables.get(variable) != value:
            variable = self._shell_variables.setdefault(value, f"MLRUN_DATA_{len(self._shell_variables) + 1}")
            self._bound.variables[variable] = value
        return variable


def _unnamed(dataset_id: str, definition: Definition) -> Dataset:
    return Dataset(0, dataset_id, None, None, definition, None, {}, 0)


def _is_shell_name(name: str) -> bool:
    return name.isascii() and f"_{name}".isidentifier()


def _make(where: str, path: Path, datastore: Datastore) -> None:
    """Have a folder there; in a datastore of the user's, others may see what his other folders there let them see."""
    if datastore.is_own and not path.exists():
        make_private_folder(path)
        return
    try:
        if not path.is_file():
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MlrunError(f"{where}: {path} cannot be made: {error.strerror}.") from error


def _about(where: str, find: Callable[[], _Found]) -> _Found:
    """What is found; an error says which entry of the configuration it is about."""
    try:
        return find()
    except (DataNotFound, UsageError) as error:
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from error


def _registered(where: str, find: Callable[[], Dataset]) -> Dataset:
    """A dataset of the workspace; an error also says how a runconfig does without one."""
    try:
        return _about(where, find)
    except DataNotFound as error:
        place = "dataPath: {datastoreName: workspaceblobstore, relativePath: FOLDER}"
        error.hint = f"{error.hint or ''} Or say where it lies, in {where}.dataLocation: '{place}'.".lstrip()
        raise


def _registration(options: Mapping[str, Any]) -> dict[str, Any]:
    """What `register_outputs` needs; the definition's other parts stand in `datasetRegistrationOptions`."""
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
