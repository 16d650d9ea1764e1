"""Datasets: register and look them up, find their files, and put these in a place."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.core.guid import check_guid
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.names import check_tag_key
from mlrun_cli.core.temporary import is_temporary
from mlrun_cli.data.aliases import ALIASES_VARIABLE, read_dataset_aliases
from mlrun_cli.data.binding import MOUNT
from mlrun_cli.data.dataset import (
    FILE_KIND,
    Dataset,
    Definition,
    apply_steps,
    check_dataset_name,
    check_definition,
)
from mlrun_cli.data.datastore import Datastore
from mlrun_cli.errors import DataNotFound, MlrunError, StoreError, UsageError
from mlrun_cli.runs.run import Run
from mlrun_cli.wire import copying
from mlrun_cli.workspace import Workspace

FindDatastore = Callable[[str], Datastore]


class DataFile(NamedTuple):
    """A file of a dataset: `source` is its path, or a URL; `name` its path below a folder of all of them."""

    name: str
    source: str

    @property
    def is_remote(self) -> bool:
        """Whether it has to be downloaded."""
        return _is_url(self.source)

    @property
    def shown(self) -> str:
        """Its source as an error shows it: a URL without what may be a secret."""
        return re.sub(r"^(\w+://)[^/]*@", r"\1", self.source.partition("?")[0]) if self.is_remote else self.source


class DataFiles(NamedTuple):
    """The files of a dataset; `whole` is the one folder or file that they are, or None."""

    files: list[DataFile]
    whole: Path | None


def register_dataset(
    workspace: Workspace,
    definition: object,
    name: str,
    *,
    description: str | None = None,
    tags: Mapping[str, str | None] | None = None,
    create_new_version: bool = False,
    dataset_id: str | None = None,
    find_datastore: FindDatastore | None = None,
) -> Dataset:
    """Give a dataset a name; what is defined as the latest version is, stays that version.

    Args:
        workspace: where it is registered.
        definition: what it is made of.
        name: of all its versions.
        description: what is said of it.
        tags: of this version.
        create_new_version: add one where the latest version is defined in another way.
        dataset_id: the id it is to have, as it had in Azure; None for the one it has, or a new one.
        find_datastore: looks whether there are files; None believes it.

    Raises:
        UsageError: the definition, the name, the id or the tags cannot be right, the name is taken by a dataset that is
            defined in another way and `create_new_version` was not said, or the id by any other.
        DataNotFound: it names a datastore that is not there, or a path leads to no file.
    """
    checked = check_definition_in(workspace, definition)
    check_dataset_name(name)
    if dataset_id is not None:
        dataset_id = check_guid(dataset_id)
    if find_datastore is not None:
        check_files(checked, find_datastore)
    with workspace.transaction(durable=True):
        latest = workspace.datasets.find(name)
        owner = None if dataset_id is None else workspace.datasets.find_by_id(dataset_id)
        if owner is not None and (owner.definition != checked or owner.name not in {None, name}):
            raise _id_is_taken(owner)
        same = owner if dataset_id is not None else latest
        if same is not None and same.name == name and same.definition == checked:
            return _described(workspace, same, description, tags)
        if latest is not None and latest.definition != checked and not create_new_version:
            raise UsageError(
                f"There is a dataset '{name}' already, and its latest version {latest.version} is another one.",
                hint="Say create_new_version=True (in a shell --create-new-version) to add a version, or choose another"
                " name.",
            )
        version = 1 if latest is None or latest.version is None else latest.version + 1
        if owner is not None:
            workspace.datasets.give_name(owner, name, version)
            return _described(workspace, get_dataset(workspace, name), description, tags)
        return workspace.datasets.insert(
            checked,
            dataset_id=dataset_id,
            name=name,
            version=version,
            description=description,
            tags=_checked_tags(tags),
        )


def save_dataset(workspace: Workspace, definition: object) -> Dataset:
    """Keep a dataset without a name, so that it has an id; the same one for equal definitions.

    Raises:
        UsageError: the definition cannot be right.
        DataNotFound: it names a datastore that is not there.
    """
    checked = check_definition_in(workspace, definition)
    with workspace.transaction():
        return workspace.datasets.find_unnamed(checked) or workspace.datasets.insert(checked)


def check_definition_in(workspace: Workspace, definition: object) -> Definition:
    """Return the definition, with all of its keys.

    Raises:
        UsageError: it cannot be right.
        DataNotFound: it names a datastore that is not there.
    """
    checked = check_definition(definition)
    for path in checked["paths"]:
        if "datastore" in path:
            get_datastore(workspace, path["datastore"]).path(path["path"])
    return checked


def get_dataset(workspace: Workspace, name: str, version: int | None = None) -> Dataset:
    """The dataset of this name, in its latest version if none is said.

    Raises:
        DataNotFound: there is none.
    """
    found = workspace.datasets.find(name, version)
    if found is not None:
        return found
    latest = workspace.datasets.find(name)
    if latest is not None:
        raise DataNotFound(f"Dataset '{name}' has no version {version}; its latest is {latest.version}.")
    known = ", ".join(str(dataset.name) for dataset in workspace.datasets.latest())
    raise DataNotFound(
        f"There is no dataset '{name}'. {f'There are: {known}.' if known else 'There are none yet.'}",
        hint="'mlrun dataset register', or dataset.register(workspace, name), registers one.",
    )


def get_dataset_by_id(workspace: Workspace, dataset_id: str, environment: Mapping[str, str] | None = None) -> Dataset:
    """The dataset with this id, or the one that stands for it.

    Args:
        workspace: where it is looked for.
        dataset_id: of this workspace or of Azure.
        environment: has in `MLRUN_DATASETS` what stands for ids that are not here; None for nothing.

    Raises:
        DataNotFound: there is none.
        UsageError: the variable cannot be read.
    """
    found = workspace.datasets.find_by_id(dataset_id)
    if found is not None:
        return found
    alias = read_dataset_aliases(environment or {}).get(dataset_id.casefold())
    if alias is not None:
        try:
            return get_dataset(workspace, alias.name, alias.version)
        except DataNotFound as error:
            raise DataNotFound(f"{ALIASES_VARIABLE} for {dataset_id}: {error.message}", hint=error.hint) from error
    hint = "Write the id of a dataset that 'mlrun dataset list' has, or its name as 'name:' instead of 'id:'."
    if re.fullmatch(r"[\w-]+", dataset_id):  # and no placeholder, as templates have
        hint = (
            f"Ids of Azure mean nothing here by themselves: say which dataset of here it is, {ALIASES_VARIABLE}="
            f"{dataset_id}=NAME, or register the data with 'mlrun dataset register --id {dataset_id}'."
        )
    raise DataNotFound(
        f"There is no dataset with the id '{dataset_id}' in workspace '{workspace.identity.name}'.", hint=hint
    )


def describe_dataset(
    workspace: Workspace, dataset_id: str, description: str | None, tags: Mapping[str, str | None] | None
) -> Dataset:
    """The dataset after its description and tags were replaced; None leaves them as they are.

    Raises:
        DataNotFound: there is no such dataset.
        UsageError: the tags cannot be right.
    """
    with workspace.transaction():
        return _described(workspace, get_dataset_by_id(workspace, dataset_id), description, tags)


def unregister_dataset(workspace: Workspace, name: str) -> None:
    """Take their name from all versions of a dataset.

    Raises:
        DataNotFound: there is none of this name.
    """
    get_dataset(workspace, name)
    workspace.datasets.take_name(name)


def find_files(definition: object, find_datastore: FindDatastore) -> DataFiles:
    """The files of a dataset as they are at this moment, in the order of its paths and by name.

    Raises:
        UsageError: the definition cannot be right.
        DataNotFound: one of its paths leads to no file, or its datastore is not there.
    """
    checked = check_definition(definition)
    places = [_place(path, find_datastore) for path in checked["paths"]]
    found: dict[str, DataFile] = {}
    common = _common_folder(place for place in places if not _is_url(place))
    urls = [place for place in places if _is_url(place)]
    for place in places:
        for source in [place] if _is_url(place) else _files_at(place):
            name = _url_name(source, urls) if _is_url(source) else os.path.relpath(source, common)
            found.setdefault(source, DataFile(name, source))
    steps = checked["steps"] if checked["kind"] == FILE_KIND else []
    return DataFiles(apply_steps(list(found.values()), steps), _whole(places, steps))


def check_files(definition: object, find_datastore: FindDatastore) -> None:
    """See that each path of a dataset leads to a file, without a look at all of them; URLs are believed.

    Raises:
        UsageError: the definition cannot be right.
        DataNotFound: a path leads to no file, or its datastore is not there.
    """
    for path in check_definition(definition)["paths"]:
        place = _place(path, find_datastore)
        if not _is_url(place) and next(_look_at(place), None) is None:
            raise _no_file(place)


def find_single_path(definition: object, find_datastore: FindDatastore) -> Path | None:
    """The one folder or file that a dataset is, without a look at what is in it; None when it is not that simple.

    Raises:
        UsageError: the definition cannot be right.
        DataNotFound: its datastore is not there.
    """
    checked = check_definition(definition)
    places = [_place(path, find_datastore) for path in checked["paths"]]
    return _whole(places, checked["steps"] if checked["kind"] == FILE_KIND else [])


def copy_files(files: list[DataFile], folder: Path) -> None:
    """Copy files into a folder under their names, and download those that are remote.

    Raises:
        MlrunError: one of them cannot be had, or the folder cannot be written.
    """
    for file in files:
        destination = folder / file.name
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            if file.is_remote:
                from mlrun_cli.wire.http_download import download  # noqa: PLC0415 - few datasets have URLs, and it is slow

                download(file.source, destination)
            else:
                _copy(file.source, destination)
        except OSError as error:
            raise MlrunError(f"{file.shown} cannot be copied to {destination}: {error.strerror or error}.") from error


def link_files(files: list[DataFile], folder: Path) -> None:
    """Make a folder of links to files; those that are remote are downloaded.

    Raises:
        MlrunError: one of them cannot be had, or the folder cannot be written.
    """
    for file in files:
        destination = folder / file.name
        if file.is_remote:
            copy_files([file], folder)
            continue
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.symlink_to(file.source)
        except OSError as error:
            raise MlrunError(f"{destination} cannot be made: {error.strerror}.") from error


def register_outputs(workspace: Workspace, run: Run) -> tuple[str, ...]:
    """Register what a run that has Completed was to register of its outputs; a line about each that cannot be.

    Raises:
        StoreError: the store cannot be used.
    """
    outputs = [output for output in (run.definition or {}).get("outputData") or [] if output.get("registration")]
    return tuple(line for line in (_register_output(workspace, output) for output in outputs) if line is not None)


def _register_output(workspace: Workspace, output: Mapping[str, Any]) -> str | None:
    registration = output["registration"]
    place = _below(output["relative_path"], registration.get("glob"))
    definition = {
        "kind": registration.get("kind") or FILE_KIND,
        "paths": [{"datastore": output["datastore"], "path": place}],
        "options": registration.get("options") or {},
        "steps": registration.get("steps") or [],
    }
    try:
        register_dataset(
            workspace,
            definition,
            registration["name"],
            description=registration.get("description"),
            tags=registration.get("tags"),
            create_new_version=True,
        )
    except StoreError:
        raise
    except MlrunError as error:
        return f"The output '{output['name']}' is not registered: {error.message}"
    return None


def resolve_input(workspace: Workspace, entry: Mapping[str, Any]) -> Dataset | str:
    """What a run's script is given for an entry of its definition's `data`: a dataset, or a path.

    Raises:
        DataNotFound: the dataset is gone.
    """
    path = entry.get("path")
    return str(path) if path is not None else get_dataset_by_id(workspace, str(entry.get("dataset_id")))


def copy_privately(files: DataFiles, folder: Path, mechanism: str) -> Path:
    """Put the files of an input into a folder of the run's, as links or as copies; the path for the script.

    Raises:
        MlrunError: one of them cannot be had, or the folder cannot be written.
    """
    make_private_folder(folder)
    (link_files if mechanism == MOUNT else copy_files)(files.files, folder)
    return path_in_copy(files, folder)


def path_in_copy(files: DataFiles, folder: Path) -> Path:
    """Return the path for the script where the files of an input are in `folder`: the only file, or the folder."""
    is_one_file = files.whole is not None and files.whole.is_file()
    return folder / files.files[0].name if is_one_file else folder


def _below(place: str, glob: str | None) -> str:
    return place if glob is None else f"{place}/{glob.lstrip('/')}"


def _id_is_taken(owner: Dataset) -> UsageError:
    shown = "one without a name" if owner.name is None else f"'{owner.name}', version {owner.version}"
    return UsageError(
        f"There is a dataset with the id {owner.dataset_id} already: {shown}.",
        hint="Leave the id out, and put the one that is printed into the runconfig.",
    )


def _described(
    workspace: Workspace, dataset: Dataset, description: str | None, tags: Mapping[str, str | None] | None
) -> Dataset:
    if description is None and tags is None:
        return dataset
    workspace.datasets.describe(
        dataset,
        dataset.description if description is None else description,
        dataset.tags if tags is None else _checked_tags(tags),
    )
    return get_dataset_by_id(workspace, dataset.dataset_id)


def _checked_tags(tags: Mapping[str, str | None] | None) -> dict[str, str | None]:
    if tags is None:
        return {}
    if not isinstance(tags, Mapping):
        raise UsageError(f"The tags are a mapping, not {tags!r}.")
    return {check_tag_key(str(key)): None if value is None else str(value) for key, value in tags.items()}


def _place(path: Mapping[str, str], find_datastore: FindDatastore) -> str:
    """A path of the machine, which may be a pattern, or a URL."""
    if "url" in path:
        return path["url"]
    if "datastore" in path:
        return os.fspath(find_datastore(path["datastore"]).path(path["path"]))
    return os.path.normpath(path["path"])


def _whole(places: Sequence[str], steps: Sequence[Any]) -> Path | None:
    is_one = len(places) == 1 and not steps and not _is_url(places[0])
    return Path(places[0]) if is_one and os.path.exists(places[0]) else None


def _is_url(place: str) -> bool:
    return "://" in place and not place.startswith("/")


def _is_pattern(place: str) -> bool:
    return ("*" in place or "?" in place) and not os.path.lexists(place)


def _root(place: str) -> str:
    """The folder to which the names of a place's files are relative."""
    if _is_pattern(place):
        root = re.split(r"[*?]", place, maxsplit=1)[0]
        return root.rpartition("/")[0] or "/"
    return place if os.path.isdir(place) else os.path.dirname(place)


def _common_folder(places: Iterator[str]) -> str:
    roots = [_root(place) for place in places]
    return os.path.commonpath(roots) if roots else "/"


def _files_at(place: str) -> list[str]:
    found = sorted(_look_at(place))
    if not found:
        raise _no_file(place)
    return found


def _look_at(place: str) -> Iterator[str]:
    if _is_pattern(place):
        yield from filter(re.compile(_expression(place)).fullmatch, _walk(_root(place)))
    elif os.path.isdir(place):
        yield from _walk(place)
    elif os.path.exists(place):
        yield place


def _no_file(place: str) -> DataNotFound:
    return DataNotFound(f"There is no file at {place}.", hint="A dataset needs at least one; '**' matches folders.")


def _walk(root: str) -> Iterator[str]:
    """All files below a folder, through links too, each folder once."""
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for file in files:
            path = os.path.join(folder, file)
            if os.path.isfile(path) and not is_temporary(file):
                yield path


def _expression(pattern: str) -> str:
    pieces = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return "(?s)" + "".join(pieces.get(piece) or re.escape(piece) for piece in re.split(r"(\*\*/|\*\*|\*|\?)", pattern))


def _url_name(url: str, urls: list[str]) -> str:
    """The last part of a URL's path, with the host and all parts in front of it where several end alike."""
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - few datasets have URLs, and it is slow to import

    def last(text: str) -> str:
        return unquote(urlsplit(text).path).rstrip("/").rpartition("/")[2] or "index"

    name = last(url)
    if Counter(map(last, dict.fromkeys(urls)))[name] > 1:
        split = urlsplit(url)
        parts = [part for part in unquote(split.path).split("/") if part not in {"", ".", ".."}]
        return "/".join([split.netloc.rpartition("@")[2], *parts])
    return "index" if name in {".", ".."} else name


def _copy(source: str, destination: Path) -> None:
    with open(source, "rb") as content, destination.open("xb") as file:
        status = os.fstat(content.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(0, "it is no file any more")
        copying.copy(content.fileno(), file.fileno(), status.st_size)
