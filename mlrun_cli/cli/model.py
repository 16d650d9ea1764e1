"""`model`: register, list, show, download, update and delete models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

from mlrun_cli.actions import models as actions
from mlrun_cli.actions.models import ModelChanges
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.confirmation import Yes, confirm_on_terminal
from mlrun_cli.cli.context import Context, open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import (
    add_option_to_errors,
    check_changes,
    parse_properties,
    parse_tags,
    warn_of_missing_tags,
)
from mlrun_cli.cli.output.progress import show_copy_progress
from mlrun_cli.cli.output.record_table import (
    TIME_WIDTH,
    Field,
    build_listing,
    build_record_result,
    build_time_formatter,
    format_record_tags,
)
from mlrun_cli.cli.run.selection import get_run
from mlrun_cli.errors import (
    ConflictingOptions,
    InvalidFile,
    InvalidValue,
    MissingOption,
    OneOptionRequired,
    RunNotFound,
    UsageError,
)
from mlrun_cli.models.model import Model, ModelDetails, ModelFilter, NewModel, PairFilter, split_model_id
from mlrun_cli.runs.filter import parse_tag_filter
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace

app = Group("model")

_FIELDS = (
    Field("Model", "id", is_id=True),
    Field("Registered", build_time_formatter("createdTime"), TIME_WIDTH),
    Field("Framework", "framework"),
    Field("Run", "runId", 12, keeps_end=True),
    Field("Tags", format_record_tags),
    Field("Description", "description"),
)

_RUN_ID_KEYS = ("run_id", "runId", "RunId")

_SomeName = Annotated[str | None, Option("--model-name", "--name", "-n", metavar="NAME", help="Models of this name.")]
_SomeId = Annotated[str | None, Option("--model-id", "-i", metavar="ID", help="Id of the model: name:version.")]
_Id = Annotated[str, Option("--model-id", "-i", metavar="ID", help="Id of the model: name:version.")]
_RunIdFilter = Annotated[
    str | None,
    Option("--run-id", metavar="ID", help="Models of the run with this id, its first characters, or @latest."),
]
_Description = Annotated[str | None, Option("--description", "-d", metavar="TEXT", help="Description of the model.")]
_SampleInput = Annotated[
    str | None,
    Option("--sample-input-dataset-id", metavar="ID", help="Dataset with sample inputs."),
]
_SampleOutput = Annotated[
    str | None,
    Option("--sample-output-dataset-id", metavar="ID", help="Dataset with sample outputs."),
]
_Cores = Annotated[float | None, Option("--cc", min=0, metavar="CORES", help="CPU cores needed for serving.")]
_Gigabytes = Annotated[float | None, Option("--gb", min=0, metavar="GB", help="Memory in GB needed for serving.")]
_InFull = Annotated[bool, Option("-v", hidden=True)]
"""Accepted and without effect: the keys that `-v` adds in Azure are always shown."""

_Gpus = Annotated[int | None, Option("--gc", min=0, metavar="GPUS", help="GPUs needed for serving.")]


@command(
    app,
    "register",
    examples=[
        (
            "Register a file or folder that the newest run wrote",
            "mlrun model register -n mymodel --run-id @latest --asset-path outputs/model",
        ),
        ("Register a file or folder on this machine", "mlrun model register -n mymodel -p train.py"),
    ],
)
def register(
    global_options: GlobalOptions,
    name: Annotated[str, Option("--name", "-n", metavar="NAME", help="Name of the model.")],
    model_path: Annotated[
        Path | None, Option("--model-path", "-p", metavar="PATH", help="File or folder on this machine.")
    ] = None,
    asset_path: Annotated[
        str | None,
        Option("--asset-path", metavar="PATH", help="File or folder of the run, such as outputs/model."),
    ] = None,
    run_metadata_file: Annotated[
        Path | None,
        Option("--run-metadata-file", "-f", metavar="FILE", help="File written by 'run submit-script -t FILE'."),
    ] = None,
    run_id: Annotated[
        str | None, Option("--run-id", metavar="ID", help="Id of the run, its first characters, or @latest.")
    ] = None,
    experiment_name: Annotated[
        str | None, Option("--experiment-name", metavar="NAME", help="Experiment of the run.")
    ] = None,
    tags: Annotated[list[str] | None, Option("--tag", metavar="KEY=VALUE", help="Add a tag.")] = None,
    properties: Annotated[list[str] | None, Option("--property", metavar="KEY=VALUE", help="Add a property.")] = None,
    description: _Description = None,
    framework: Annotated[
        str | None,
        Option("--model-framework", metavar="NAME", help="Framework, such as ScikitLearn, PyTorch or Custom."),
    ] = None,
    framework_version: Annotated[
        str | None, Option("--model-framework-version", metavar="VERSION", help="Version of the framework.")
    ] = None,
    sample_input_dataset_id: _SampleInput = None,
    sample_output_dataset_id: _SampleOutput = None,
    cores: _Cores = None,
    gigabytes: _Gigabytes = None,
    gpus: _Gpus = None,
    in_full: _InFull = False,  # noqa: ARG001
    older_model_path: Annotated[Path | None, Option("--model", "-m", hidden=True)] = None,
) -> object:
    """Register a file or a folder as the next version of a model.

    The files are copied from this machine (--model-path) or from a run (--asset-path with --run-id, or with -f and
    the file written by 'run submit-script -t').
    """
    new = NewModel(
        name=name,
        description=description,
        tags=_parse_tags(tags),
        properties=parse_properties(properties or []),
        framework=framework,
        framework_version=framework_version,
        details=ModelDetails(
            **_build_details(sample_input_dataset_id, sample_output_dataset_id, cores, gigabytes, gpus)
        ),
    )
    model_path = model_path or older_model_path
    if (model_path is None) == (asset_path is None):
        raise OneOptionRequired(
            "Name one file to register: of this machine, or of a run.",
            hint="Use either -p PATH, or --asset-path PATH with -f run.json.",
        )
    context = open_context(global_options, creates=True)
    with context.workspace as workspace, show_copy_progress(global_options):
        run = _find_run(context, run_metadata_file, run_id, experiment_name)
        if model_path is not None:
            if run is not None:
                new = new._replace(run_id=run.run_id, experiment_name=run.experiment_name)
            model = actions.register_model(workspace, new, model_path)
        elif run is None:
            raise MissingOption(
                "--asset-path is a file of a run, and no run is named.",
                hint="Name it with -f run.json or --run-id ID.",
                target="--run-id",
            )
        else:
            model = actions.register_run_files(workspace, new, run, asset_path)
        names = {"modelId": model.model_id, "workspaceName": workspace.identity.name}
        record = actions.build_model_record(workspace, model)
    result = {**record, **names, "resourceGroupName": context.workspace.identity.resource_group}
    return build_record_result(record, _FIELDS, value=result)


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the newest version of each model", "mlrun model list --latest"),
        ("Print the ids of all versions of a model", "mlrun model list -n mymodel --query '[].id' -o tsv"),
    ],
)
def list_models(
    global_options: GlobalOptions,
    name: _SomeName = None,
    latest: Annotated[bool, Option("--latest", "-l", help="Only the newest version of each model.")] = False,
    run_id: _RunIdFilter = None,
    tags: Annotated[list[str] | None, Option("--tag", metavar="KEY[=VALUE]", help="Models with this tag.")] = None,
    properties: Annotated[
        list[str] | None, Option("--property", metavar="KEY[=VALUE]", help="Models with this property.")
    ] = None,
    dataset_id: Annotated[
        str | None, Option("--dataset-id", metavar="ID", help="Models associated with this dataset.")
    ] = None,
    in_full: _InFull = False,  # noqa: ARG001
) -> object:
    """List models, newest first."""
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        which = ModelFilter(
            name=name,
            tags=_parse_filters(tags, "--tag"),
            properties=_parse_filters(properties, "--property"),
            run_id=_resolve_filter_run_id(context, run_id),
            dataset_id=dataset_id,
            latest=latest,
        )
        records = [actions.build_model_record(workspace, model) for model in actions.list_models(workspace, which)]
    return build_listing(global_options, records, _FIELDS, empty_message="No models.")


@command(
    app,
    "show",
    examples=[
        ("Show the newest version of a model", "mlrun model show -n mymodel"),
        ("Show a version", "mlrun model show -i mymodel:1"),
    ],
)
def show(
    global_options: GlobalOptions,
    model_id: _SomeId = None,
    name: _SomeName = None,
    version: Annotated[int | None, Option("--version", metavar="N", help="Version. Default: the newest.")] = None,
    run_id: _RunIdFilter = None,
    in_full: _InFull = False,  # noqa: ARG001
) -> object:
    """Show a model version."""
    if (model_id is None) == (name is None):
        raise OneOptionRequired("Name a model, by id or by name.", hint="Use either -i name:version or -n name.")
    found, of_id = split_model_id(model_id or name or "")
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        run_id = _resolve_filter_run_id(context, run_id)
        which = ModelFilter(name=found, version=version if of_id is None else of_id, run_id=run_id)
        record = actions.build_model_record(workspace, actions.get_model(workspace, which))
    return build_record_result(record, _FIELDS)


@command(
    app,
    "download",
    examples=[
        ("Download a version into a folder", "mlrun model download -i mymodel:1 -t models"),
        ("Replace what was downloaded before", "mlrun model download -i mymodel:1 -t models --overwrite"),
    ],
)
def download(
    global_options: GlobalOptions,
    model_id: _Id,
    target_dir: Annotated[
        Path,
        Option("--target-dir", "-t", metavar="FOLDER", help="Destination folder. Created if it does not exist."),
    ],
    overwrite: Annotated[bool, Option("--overwrite", help="Replace existing files.")] = False,
    in_full: _InFull = False,  # noqa: ARG001
) -> object:
    """Download the file or folder of a model and print its local path."""
    with open_context(global_options, only_reads=True).workspace as workspace, show_copy_progress(global_options):
        model = _get_model(workspace, model_id)
        try:
            return str(actions.download_model(workspace, model, target_dir, overwrite=overwrite))
        except UsageError as error:
            if not overwrite and error.hint is not None:
                error.hint = "Choose another folder with --target-dir, or add --overwrite."
            raise


@command(
    app,
    "update",
    examples=[
        ("Tag a version", "mlrun model update -i mymodel:1 --add-tag stage=production"),
        (
            "Set its description and remove a tag",
            "mlrun model update -i mymodel:1 -d 'The first one' --remove-tag stage",
        ),
    ],
)
def update(
    global_options: GlobalOptions,
    model_id: _Id,
    add_tags: Annotated[
        list[str] | None, Option("--add-tag", metavar="KEY=VALUE", help="Add a tag, or change its value.")
    ] = None,
    remove_tags: Annotated[list[str] | None, Option("--remove-tag", metavar="KEY", help="Remove a tag.")] = None,
    add_properties: Annotated[
        list[str] | None, Option("--add-property", metavar="KEY=VALUE", help="Add a property.")
    ] = None,
    description: _Description = None,
    sample_input_dataset_id: _SampleInput = None,
    sample_output_dataset_id: _SampleOutput = None,
    cores: _Cores = None,
    gigabytes: _Gigabytes = None,
    gpus: _Gpus = None,
    in_full: _InFull = False,  # noqa: ARG001
) -> object:
    """Change a version's tags and description, and add properties, which cannot be changed later."""
    details = _build_details(sample_input_dataset_id, sample_output_dataset_id, cores, gigabytes, gpus)
    check_changes(
        (add_tags, remove_tags, add_properties, description, details),
        "--add-tag, --remove-tag, --add-property, --description, or what serving it needs",
    )
    changes = ModelChanges(
        tags=_parse_tags(add_tags, option="--add-tag", removed=remove_tags or ()),
        removed_tags=remove_tags or (),
        properties=parse_properties(add_properties or []),
        description=description,
        details=details,
    )
    with open_context(global_options).workspace as workspace:
        before = _get_model(workspace, model_id)
        model = actions.update_model(workspace, before, changes)
        warn_of_missing_tags(global_options, changes.removed_tags, [before.tags])
        record = actions.build_model_record(workspace, model)
    return build_record_result(record, _FIELDS)


@command(
    app,
    "delete",
    examples=[
        ("Delete a version", "mlrun model delete -i mymodel:1"),
        ("Delete the newest one", "mlrun model delete -i mymodel"),
    ],
)
def delete(
    global_options: GlobalOptions,
    model_id: _Id,
    yes: Yes = False,
    in_full: _InFull = False,  # noqa: ARG001
) -> object:
    """Delete a model version and its files, but not the run that it came from; print the version's id.

    On a terminal, the command asks for confirmation.
    """
    with open_context(global_options).workspace as workspace:
        model = _get_model(workspace, model_id)
        confirm_on_terminal(global_options, f"Delete the model '{model.model_id}' with its files?", yes=yes)
        actions.delete_model(workspace, model)
        return model.model_id


def _get_model(workspace: Workspace, model_id: str) -> Model:
    name, version = split_model_id(model_id)
    return actions.get_model(workspace, ModelFilter(name=name, version=version))


def _find_run(
    context: Context, metadata_file: Path | None, run_id: str | None, experiment_name: str | None
) -> Run | None:
    if metadata_file is not None and run_id is not None:
        raise ConflictingOptions("-f and --run-id both name a run.", hint="Leave one of them out.", target="--run-id")
    if metadata_file is not None:
        run_id = _read_run_id(metadata_file)
    return None if run_id is None else get_run(context, run_id, experiment_name)


def _resolve_filter_run_id(context: Context, run_id: str | None) -> str | None:
    """Return the complete id of the run to filter models by, or None if no run is given.

    The id of a deleted run is returned as it was typed.
    """
    if run_id is None:
        return None
    with suppress(RunNotFound):
        return get_run(context, run_id, None).run_id
    return run_id


def _read_run_id(metadata_file: Path) -> str:
    try:
        document = json.loads(metadata_file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidFile(metadata_file, f"cannot be read: {error.strerror}", hint="Name the file with -f.") from error
    except ValueError as error:
        raise InvalidFile(metadata_file, f"is not JSON: {error}") from error
    found = [document[key] for key in _RUN_ID_KEYS if key in document] if isinstance(document, dict) else []
    if not found or not isinstance(found[0], str):
        raise InvalidFile(
            metadata_file, "has no 'run_id'", hint="Name the file that 'mlrun run submit-script -t FILE' wrote."
        )
    return found[0]


def _parse_tags(pairs: Sequence[str] | None, *, option: str = "--tag", removed: Sequence[str] = ()) -> dict[str, str]:
    return {key: value or "" for key, value in parse_tags(pairs or [], option=option, removed_keys=removed).items()}


def _parse_filters(pairs: Sequence[str] | None, option: str) -> tuple[PairFilter, ...]:
    with add_option_to_errors(option):
        return tuple(PairFilter(one.key, one.value) for one in map(parse_tag_filter, pairs or []))


def _build_details(
    sample_input: str | None, sample_output: str | None, cores: float | None, gigabytes: float | None, gpus: int | None
) -> dict[str, Any]:
    """Return the fields of `ModelDetails` that are given, keyed by name.

    Raises:
        UsageError: an amount is infinite or not a number.
    """
    for option, amount in (("--cc", cores), ("--gb", gigabytes)):
        if amount is not None and not isfinite(amount):
            raise InvalidValue(
                f"{option}: {amount} is not an amount.", hint=f"Use a number, as in {option} 2.", target=option
            )
    resources = {"cpu": cores, "memoryInGB": gigabytes, "gpu": gpus}
    details = {
        "sample_input_dataset_id": sample_input,
        "sample_output_dataset_id": sample_output,
        "resources": resources if any(value is not None for value in resources.values()) else None,
    }
    return {name: value for name, value in details.items() if value is not None}
