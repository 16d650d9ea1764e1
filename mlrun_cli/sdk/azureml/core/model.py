"""Models: files and folders registered in a workspace under a name and a version."""

import builtins
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from azureml._azure_names import SERVING
from azureml._client.client import find_submitted_run_client, get_client
from azureml._unsupported import create_unsupported_call
from azureml.core import _model_errors
from azureml.core._missing_files import NoSuchFile
from azureml.core._text_pairs import convert_properties, convert_values_to_strings, to_tag_keys
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import (
    ModelNotFoundException,
    ModelPathNotFoundException,
    UserErrorException,
    WebserviceException,
)

if TYPE_CHECKING:
    from azureml.core.run import Run
    from azureml.core.workspace import Workspace

__all__ = [
    "InferenceConfig",
    "Model",
    "ModelNotFoundException",
    "ResourceConfiguration",
    "UserErrorException",
    "WebserviceException",
    "register_from_run",
]

MODELS_DIR = "azureml-models"

_COPY_SECONDS = 24 * 3600.0  # files may be large, and the disk slow


class _Frameworks:
    """Common values of `model_framework`, which accepts any string."""

    CUSTOM = "Custom"
    MULTI = "Multi"
    ONNX = "Onnx"
    PYTORCH = "PyTorch"
    SCIKITLEARN = "ScikitLearn"
    TENSORFLOW = "TensorFlow"
    TFKERAS = "TfKeras"


_Frameworks.__name__ = _Frameworks.__qualname__ = "Framework"


class Model:
    """A version of a model, with its attributes as of the lookup or the last change through this handle.

    Attributes:
        workspace: The workspace in which the model is registered.
        name, version, id: The identity of the model; the id is `name:version`.
        created_time: The UTC time of the registration.
        created_by: A dict with `userName`.
        run_id, experiment_name: The run that the model is from, which may no longer exist.
        model_framework, model_framework_version, description: The values given at registration.
        tags, properties: Dicts of strings.
        resource_configuration: The resources for serving the model, or None.
        url: The URL of the model's files, which `get_model_path` and `download` give access to.
    """

    Framework = _Frameworks

    def __init__(
        self,
        workspace: "Workspace",
        name: "str | None" = None,
        id: "str | None" = None,
        tags: "Sequence[Any] | None" = None,
        properties: "Sequence[Any] | None" = None,
        version: "int | str | None" = None,
        run_id: "str | None" = None,
        model_framework: "str | None" = None,
        expand: bool = True,
        **kwargs: Any,
    ) -> None:
        """Find the newest version that matches all criteria; a tag or property is a key or `[key, value]`.

        Raises:
            WebserviceException: No model matches, or neither name nor id is given.
        """
        if not (name or id):
            raise _model_errors.UserErrorException("Model needs a name, or an id such as 'mymodel:1'.")
        number = int(version) if isinstance(version, str) and version.isdecimal() else version
        which = _build_filter(name=id or name, version=number, tags=tags, properties=properties, run_id=run_id)
        try:
            record = _request(workspace, "models.get", framework=model_framework, **which)
        except ModelNotFoundException as error:
            raise _model_errors.ModelNotFoundException(f"ModelNotFound: {error.message}") from error
        self._load_record(workspace, record)

    @classmethod
    def _from_record(cls, workspace: "Workspace", record: "dict[str, Any]") -> "Model":
        model = cls.__new__(cls)
        model._load_record(workspace, record)
        return model

    def _load_record(self, workspace: "Workspace", record: "dict[str, Any]") -> None:
        self._record = record
        self.workspace = workspace
        self.name: str = record["name"]
        self.id: str = record["id"]
        self.version: int = record["version"]
        self.created_time = _parse_time(record["createdTime"])
        self.created_by: dict[str, str] = record["createdBy"]
        self.description: str | None = record["description"]
        self.experiment_name: str | None = record["experimentName"]
        self.run_id: str | None = record["runId"]
        self.model_framework: str | None = record["framework"]
        self.model_framework_version: str | None = record["frameworkVersion"]
        self.tags: dict[str, str] = record["tags"]
        self.properties: dict[str, str] = record["properties"]
        self.resource_configuration = ResourceConfiguration.deserialize(record["resourceConfiguration"])
        self.url: str = record["url"]
        self.mime_type = "application/x-python"
        self.unpack = False
        self.parent_id = None
        self.derived_model_ids = None

    def __repr__(self) -> str:
        return (
            f"Model(workspace={self.workspace!r}, name={self.name}, id={self.id}, version={self.version}, "
            f"tags={self.tags}, properties={self.properties})"
        )

    @property
    def run(self) -> Any:
        """The run from which the model was registered, or None."""
        if self.run_id is None:
            return None
        from azureml.core.run import Run

        return Run.get(self.workspace, self.run_id)

    @property
    def datasets(self) -> "dict[str, builtins.list[Any]]":
        """The datasets related to the model, as lists keyed by purpose."""
        found: dict[str, list[Any]] = {}
        for pair in self._record["datasets"]:
            found.setdefault(pair["name"], []).append(self._get_dataset(pair["id"]))
        return found

    @property
    def sample_input_dataset(self) -> Any:
        """The dataset with sample inputs, or None."""
        return self._get_dataset(self._record["sampleInputDatasetId"])

    @property
    def sample_output_dataset(self) -> Any:
        """The dataset with sample outputs, or None."""
        return self._get_dataset(self._record["sampleOutputDatasetId"])

    @staticmethod
    def register(
        workspace: "Workspace",
        model_path: str,
        model_name: str,
        tags: "dict[str, Any] | None" = None,
        properties: "dict[str, Any] | None" = None,
        description: "str | None" = None,
        datasets: "Sequence[tuple[str, Any]] | None" = None,
        model_framework: "str | None" = None,
        model_framework_version: "str | None" = None,
        child_paths: "Sequence[str] | None" = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: "ResourceConfiguration | None" = None,
    ) -> "Model":
        """Register a copy of a file or folder as the next version of a model, and return this version.

        Raises:
            FileNotFoundError: The file or folder does not exist.
            WebserviceException: The name or another argument is invalid.
        """
        path = os.path.abspath(model_path)
        if not os.path.exists(path):
            raise NoSuchFile(f"There is no file or folder {path!r} to make model {model_name!r} of.")
        print(f"Registering model {model_name}")
        new = _build_registration_fields(
            model_name, tags, properties, description, datasets, model_framework, model_framework_version,
            sample_input_dataset, sample_output_dataset, resource_configuration,
        )  # fmt: skip
        children = None if child_paths is None else [os.fspath(child) for child in child_paths]
        record = _request(
            workspace, "models.register", timeout_seconds=_COPY_SECONDS, model=new, path=path, child_paths=children
        )
        return Model._from_record(workspace, record)

    @staticmethod
    def list(
        workspace: "Workspace",
        name: "str | None" = None,
        tags: "Sequence[Any] | None" = None,
        properties: "Sequence[Any] | None" = None,
        run_id: "str | None" = None,
        latest: bool = False,
        dataset_id: "str | None" = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: "str | None" = None,
    ) -> "builtins.list[Model]":
        """Return the model versions that match all filters, newest first; with `latest`, only one per model."""
        which = _build_filter(name=name, tags=tags, properties=properties, run_id=run_id, framework=model_framework)
        records = _request(workspace, "models.list", latest=bool(latest), dataset_id=dataset_id, **which)
        return [Model._from_record(workspace, record) for record in records]

    @staticmethod
    def get_model_path(model_name: str, version: "int | None" = None, _workspace: "Workspace | None" = None) -> str:
        """Return the path of the file or folder, not to be modified, of a model's version, by default the newest.

        The model is searched for in `AZUREML_MODEL_DIR`, then in `_workspace` or the workspace of the run that this
        process belongs to; outside a run also under `azureml-models/` and in the current folder.

        Raises:
            ModelNotFoundException: The model is not found.
            WebserviceException: The name or the version is invalid.
        """
        if not isinstance(model_name, str) or not model_name:
            raise _model_errors.UserErrorException(f"The name of a model is a text, not {model_name!r}.")
        if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
            raise _model_errors.UserErrorException(f"The version of a model is an int, not {version!r}.")
        prepared = _find_served_path(model_name, version)
        if prepared is not None:
            return prepared
        inside = find_submitted_run_client()
        names = inside.workspace if _workspace is None and inside is not None else getattr(_workspace, "_names", None)
        if names is not None:
            path: str = _call_translating_errors(
                lambda: get_client().request("models.path", workspace=names, name=model_name, version=version)
            )
            return path
        found = _find_path_below(MODELS_DIR, model_name, version)
        if found is None and os.path.exists(model_name):
            found = model_name
        if found is None:
            raise _model_errors.ModelNotFoundException(
                f"There is no model {model_name!r} under {os.path.abspath(MODELS_DIR)} or in {os.getcwd()}, and this "
                "process belongs to no run. Name the workspace: Model.get_model_path(name, _workspace=workspace), or "
                "Model(workspace, name).download()."
            )
        return found

    def download(self, target_dir: str = ".", exist_ok: bool = False, exists_ok: "bool | None" = None) -> str:
        """Copy the model's file or folder into a folder, created if needed, and return the path of the copy.

        Raises:
            WebserviceException: The destination exists, and `exist_ok` is False.
        """
        overwrite = exist_ok if exists_ok is None else exists_ok
        folder = os.path.abspath(target_dir)
        path = _request(
            self.workspace,
            "models.download",
            timeout_seconds=_COPY_SECONDS,
            model_id=self.id,
            folder=folder,
            overwrite=bool(overwrite),
        )
        return os.path.join(target_dir, os.path.basename(path))

    def get_sas_urls(self) -> "dict[str, str]":
        """Return the `file:` URLs of the model's files, keyed by relative path."""
        top = Model.get_model_path(self.name, self.version, _workspace=self.workspace)
        start = os.path.dirname(top)
        return {os.path.relpath(path, start): f"file://{_quote_path(path)}" for path in sorted(_list_files_below(top))}

    def update(
        self,
        tags: "dict[str, Any] | None" = None,
        description: "str | None" = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: "ResourceConfiguration | None" = None,
    ) -> None:
        """Update the given values; `tags` replaces all existing tags."""
        details = _build_details(None, sample_input_dataset, sample_output_dataset, resource_configuration)
        texts = None if tags is None else convert_values_to_strings(tags, "tags")
        self._update(tags=texts, replaces_tags=tags is not None, description=description, details=details)

    def update_tags_properties(
        self,
        add_tags: "dict[str, Any] | None" = None,
        remove_tags: "Sequence[str] | None" = None,
        add_properties: "dict[str, Any] | None" = None,
    ) -> None:
        """Remove tags, then set tags and add properties, in one atomic change.

        Raises:
            WebserviceException: A property exists with a different value.
        """
        self._update(
            tags=convert_values_to_strings(add_tags or {}, "tags"),
            removed_tags=to_tag_keys(remove_tags or []),
            properties=convert_properties(add_properties or {}),
        )

    def add_tags(self, tags: "dict[str, Any]") -> None:
        """Add tags or change the values of existing ones."""
        self.update_tags_properties(add_tags=tags)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove tags by key; missing ones are ignored."""
        self.update_tags_properties(remove_tags=tags)

    def add_properties(self, properties: "dict[str, Any]") -> None:
        """Add properties, which cannot be changed afterwards.

        Raises:
            WebserviceException: A property exists with a different value.
        """
        self.update_tags_properties(add_properties=properties)

    def add_dataset_references(self, datasets: "Sequence[tuple[str, Any]]") -> None:
        """Add related datasets, given as pairs of a purpose, such as `training`, and a dataset."""
        known = [[pair["name"], pair["id"]] for pair in self._record["datasets"]]
        added = [pair for pair in _build_dataset_pairs(datasets) if pair not in known]
        self._update(details={"datasets": known + added})

    def delete(self) -> None:
        """Delete this version of the model, including its files."""
        _request(self.workspace, "models.delete", model_id=self.id)

    def serialize(self) -> "dict[str, Any]":
        """Return the model as a JSON-compatible dict with Azure's keys."""
        return dict(self._record)

    @staticmethod
    def deserialize(workspace: "Workspace", model_payload: "dict[str, Any]") -> "Model":
        """Return the model from a dict created by `serialize`."""
        return Model._from_record(workspace, model_payload)

    deploy = staticmethod(create_unsupported_call("Model.deploy", SERVING))
    package = staticmethod(create_unsupported_call("Model.package", SERVING))
    profile = staticmethod(create_unsupported_call("Model.profile", SERVING))
    print_configuration = staticmethod(create_unsupported_call("Model.print_configuration", SERVING))

    def _update(self, **changes: Any) -> None:
        self._load_record(self.workspace, _request(self.workspace, "models.update", model_id=self.id, **changes))

    def _get_dataset(self, dataset_id: "str | None") -> Any:
        if dataset_id is None:
            return None
        from azureml.core.dataset import Dataset

        return Dataset.get_by_id(self.workspace, dataset_id)


class InferenceConfig:
    """The configuration for serving a model; using it is refused."""

    def __init__(
        self,
        entry_script: str,
        runtime: "str | None" = None,
        conda_file: "str | None" = None,
        extra_docker_file_steps: "str | None" = None,
        source_directory: "str | None" = None,
        enable_gpu: "bool | None" = None,
        description: "str | None" = None,
        base_image: "str | None" = None,
        base_image_registry: Any = None,
        cuda_version: "str | None" = None,
        environment: Any = None,
    ) -> None:
        """Store the arguments and check that the entry script exists.

        Raises:
            WebserviceException: The entry script does not exist.
        """
        self.entry_script = entry_script
        self.runtime = runtime
        self.conda_file = conda_file
        self.extra_docker_file_steps = extra_docker_file_steps
        self.source_directory = None if source_directory is None else os.path.abspath(source_directory)
        self.enable_gpu = enable_gpu
        self.description = description
        self.base_image = base_image
        self.base_image_registry = base_image_registry
        self.cuda_version = cuda_version
        self.environment = environment
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Raise WebserviceException if no entry script is given or the entry script does not exist."""
        if not self.entry_script:
            raise _model_errors.UserErrorException("InferenceConfig needs an entry_script.")
        path = os.path.abspath(os.path.join(self.source_directory or "", self.entry_script))
        if not os.path.isfile(path):
            raise _model_errors.UserErrorException(f"There is no entry_script {path!r}.")


def _parse_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def register_from_run(
    run: "Run",
    model_name: str,
    model_path: "str | None" = None,
    tags: "dict[str, Any] | None" = None,
    properties: "dict[str, Any] | None" = None,
    model_framework: "str | None" = None,
    model_framework_version: "str | None" = None,
    description: "str | None" = None,
    datasets: "Sequence[tuple[str, Any]] | None" = None,
    sample_input_dataset: Any = None,
    sample_output_dataset: Any = None,
    resource_configuration: "ResourceConfiguration | None" = None,
    **kwargs: Any,  # noqa: ARG001 - Azure takes more
) -> Model:
    """Register a copy of a run's file or folder as the next version of a model, and return this version.

    Raises:
        ModelPathNotFoundException: The run has no such file or folder; the message lists its files.
        WebserviceException: The name or another argument is invalid.
    """
    workspace = run.experiment.workspace
    new = _build_registration_fields(
        model_name, tags, properties, description, datasets, model_framework, model_framework_version,
        sample_input_dataset, sample_output_dataset, resource_configuration,
    )  # fmt: skip
    path = None if model_path is None else os.fspath(model_path)
    response = _request(
        workspace, "models.register_from_run", timeout_seconds=_COPY_SECONDS, model=new, run_id=run.id, path=path
    )
    if "missing" in response:
        raise ModelPathNotFoundException(response["missing"])
    return Model._from_record(workspace, response["model"])


def _request(workspace: "Workspace", call: str, **arguments: Any) -> Any:
    return _call_translating_errors(lambda: workspace._request(call, **arguments))


def _call_translating_errors(function: Any) -> Any:
    """Call a function and return its result, converting its errors to the classes that Azure raises."""
    try:
        return function()
    except ModelNotFoundException as error:
        raise _model_errors.ModelNotFoundException(error.message) from error
    except UserErrorException as error:
        raise _model_errors.UserErrorException(error.message) from error


def _build_registration_fields(
    model_name: str,
    tags: "dict[str, Any] | None",
    properties: "dict[str, Any] | None",
    description: "str | None",
    datasets: "Sequence[tuple[str, Any]] | None",
    model_framework: "str | None",
    model_framework_version: "str | None",
    sample_input_dataset: Any,
    sample_output_dataset: Any,
    resource_configuration: "ResourceConfiguration | None",
) -> "dict[str, Any]":
    """Return the fields of a registration request that describe the new model version."""
    if not isinstance(model_name, str):
        raise _model_errors.UserErrorException(f"The name of a model is a text, not {model_name!r}.")
    return {
        "name": model_name,
        "description": description,
        "tags": convert_values_to_strings(tags or {}, "tags"),
        "properties": convert_properties(properties or {}),
        "framework": model_framework,
        "framework_version": None if model_framework_version is None else str(model_framework_version),
        "details": _build_details(datasets, sample_input_dataset, sample_output_dataset, resource_configuration),
    }


def _build_details(
    datasets: "Sequence[tuple[str, Any]] | None",
    sample_input_dataset: Any,
    sample_output_dataset: Any,
    resource_configuration: "ResourceConfiguration | None",
) -> "dict[str, Any]":
    """Return a dict of the model details that are not None."""
    details: dict[str, Any] = {}
    if datasets:
        details["datasets"] = _build_dataset_pairs(datasets)
    if sample_input_dataset is not None:
        details["sample_input_dataset_id"] = _get_dataset_id(sample_input_dataset)
    if sample_output_dataset is not None:
        details["sample_output_dataset_id"] = _get_dataset_id(sample_output_dataset)
    if resource_configuration is not None:
        if not isinstance(resource_configuration, ResourceConfiguration):
            raise _model_errors.UserErrorException("resource_configuration is a ResourceConfiguration of azureml.core.")
        details["resources"] = resource_configuration.serialize()
    return details


def _build_dataset_pairs(datasets: "Sequence[tuple[str, Any]]") -> "list[list[str]]":
    try:
        return [[str(purpose), _get_dataset_id(dataset)] for purpose, dataset in datasets]
    except (TypeError, ValueError) as error:
        raise _model_errors.UserErrorException("datasets is a list of pairs, as in [('training', dataset)].") from error


def _get_dataset_id(dataset: Any) -> str:
    dataset_id = dataset if isinstance(dataset, str) else getattr(dataset, "id", None)
    if not isinstance(dataset_id, str):
        raise _model_errors.UserErrorException(
            f"{type(dataset).__name__} is not a registered dataset. Register it first, by dataset.register(…)."
        )
    return dataset_id


def _build_filter(**criteria: Any) -> "dict[str, Any]":
    """Return the filter arguments of a model request, with tags and properties converted to lists."""
    for noun in ("tags", "properties"):
        pairs = criteria.get(noun)
        if isinstance(pairs, Mapping):
            pairs = list(pairs.items())
        criteria[noun] = [pairs] if isinstance(pairs, str) else [_check_key_or_pair(one, noun) for one in pairs or ()]
    return criteria


def _check_key_or_pair(key_or_pair: Any, noun: str) -> Any:
    """Return a filter item as a key or a pair of strings; raise WebserviceException for other values."""
    if isinstance(key_or_pair, str):
        return key_or_pair
    if isinstance(key_or_pair, (list, tuple)) and len(key_or_pair) == 2:
        return [str(key_or_pair[0]), str(key_or_pair[1])]
    raise _model_errors.UserErrorException(
        f"One of the {noun} is a key or a list of a key and a value, not {key_or_pair!r}."
    )


def _find_served_path(name: str, version: "int | None") -> "str | None":
    """Return the path of a model below `AZUREML_MODEL_DIR`, or None if it is not found."""
    top = os.environ.get("AZUREML_MODEL_DIR")
    if not top:
        return None
    folder, last = os.path.split(os.path.normpath(top))
    if os.path.basename(folder) == name and last.isdigit() and version in (None, int(last)):
        return _find_only_entry(top)
    return _find_path_below(top, name, version)


def _find_path_below(top: str, name: str, version: "int | None") -> "str | None":
    """Return the path `top/name/version/<only entry>`, by default for the highest version, or None if it is missing."""
    folder = os.path.join(top, name)
    try:
        versions = [int(entry) for entry in os.listdir(folder) if entry.isdigit()]
    except OSError:
        return None
    if version is None and versions:
        version = max(versions)
    return _find_only_entry(os.path.join(folder, str(version))) if version in versions else None


def _find_only_entry(folder: str) -> "str | None":
    """Return the path of a folder's only entry, or None if there is no folder; raise if it has more or no entries."""
    try:
        entries = os.listdir(folder)
    except OSError:
        return None
    if len(entries) != 1:
        raise _model_errors.UserErrorException(f"{folder!r} has to hold one file or folder, and holds {len(entries)}.")
    return os.path.join(folder, entries[0])


def _list_files_below(path: str) -> Iterator[str]:
    if os.path.isfile(path):
        yield path
    for folder, _, names in os.walk(path):
        for name in names:
            yield os.path.join(folder, name)


def _quote_path(path: str) -> str:
    from urllib.parse import quote

    return quote(path)
