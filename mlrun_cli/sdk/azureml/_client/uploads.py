"""Uploads of a script's files into the run's folder, where each appears once it is complete."""

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import Any, Callable, Iterator

from azureml._client.scalars import escape_surrogates
from azureml._wire.copying import copy, copy_stream
from azureml._wire.linked_files import DANGLING, SPECIAL, Reason, list_files_following_links
from azureml._wire.run_folder import LOG_FOLDERS, UPLOADS
from azureml.exceptions import ServiceException, UserErrorException


def store_upload(run_folder: str, name: str, path_or_stream: Any) -> None:
    """Store a copy of a file, or of the rest of a stream, in the run's folder under a new name.

    Raises:
        UserErrorException: The name is outside the run or in use, the file does not exist, or the disk is full.
        ServiceException: The run's folder cannot be written.
    """
    checked = check_upload_name(name)
    if hasattr(path_or_stream, "read"):
        _write_upload(run_folder, checked, lambda descriptor: copy_stream(path_or_stream, descriptor))
        return
    with _open_source(path_or_stream, name) as source:
        _write_upload(run_folder, checked, lambda descriptor: copy(source, descriptor))


def replace_upload(run_folder: str, name: str, path: str) -> None:
    """Store a copy of a file in the run's folder, replacing any earlier upload with this name.

    Raises:
        UserErrorException: As `store_upload`, but for names in use.
        ServiceException: The run's folder cannot be written.
    """
    checked = check_upload_name(name)
    with _open_source(path, name) as source:
        _write_upload(run_folder, checked, lambda descriptor: copy(source, descriptor), replaces=True)


def remove_uploads(run_folder: str, name: str) -> None:
    """Remove an uploaded file or folder or, for an empty name, all uploads; do nothing if it does not exist."""
    import shutil

    place = os.path.join(run_folder, UPLOADS, check_upload_name(name) if name else "")
    if os.path.isdir(place) and not os.path.islink(place):
        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            os.unlink(place)


def check_upload_name(name: object) -> str:
    """Validate the name of an upload, and return it with `/` as separator.

    Raises:
        UserErrorException: The name is empty, not a string, outside the run, or in a folder of the run's own logs.
    """
    if not isinstance(name, str) or not name.strip("/. ") or "\0" in name:
        raise UserErrorException(f"The name of an uploaded file is a text as 'outputs/model.pkl', not {name!r}.")
    text = os.path.normpath(escape_surrogates(name).replace("\\", "/"))
    parts = text.split("/")
    if text.startswith("/") or ".." in parts:
        raise UserErrorException(
            f"The name {name!r} leads out of the run. Give a relative one, as 'outputs/model.pkl'."
        )
    if parts[0] in LOG_FOLDERS:
        raise UserErrorException(
            f"The name {name!r} is among the run's own logs. Choose another folder than {parts[0]}."
        )
    return text


def list_folder_files(folder: Any) -> "list[str]":
    """Return the sorted relative paths of all files below a folder, including those reached through links.

    Circular links between folders are not followed, see `list_files_following_links`. Special files and dangling links
    are included; uploading one raises an error that explains why.

    Raises:
        UserErrorException: The folder does not exist, or a folder cannot be read.
    """
    top = _decode_path(folder, "folder")
    if not os.path.isdir(top):
        raise UserErrorException(f"There is no folder {top!r} to upload.")
    others: list[str] = []

    def record_omission(path: str, reason: Reason) -> None:
        if isinstance(reason, OSError):
            raise UserErrorException(
                f"The folder {os.path.normpath(os.path.join(top, path))!r} cannot be read: {reason.strerror}."
            ) from reason
        if reason in (SPECIAL, DANGLING):
            others.append(path)

    return sorted([*list_files_following_links(top, record_omission), *others])


@contextmanager
def _open_source(path: Any, upload_name: str) -> "Iterator[int]":
    """Return a context manager that opens a file to be uploaded, yields its descriptor, and closes it.

    Raises:
        UserErrorException: The file does not exist or is not a regular file.
    """
    source_path = _decode_path(path, upload_name)
    try:
        source = os.open(source_path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UserErrorException(f"The file {source_path!r} cannot be uploaded: {error.strerror}.", error) from error
    try:
        if os.path.isdir(source_path):
            raise UserErrorException(f"{source_path!r} is a folder. Use upload_folder for it.")
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise UserErrorException(
                f"{source_path!r} is not a file but a pipe or a device. Open it, and upload the stream."
            )
        yield source
    finally:
        os.close(source)


def _decode_path(path: Any, upload_name: str) -> str:
    try:
        return os.fsdecode(os.fspath(path))
    except TypeError as error:
        raise UserErrorException(
            f"What is uploaded as {upload_name!r} is a path or a stream, not {type(path).__name__}."
        ) from error


def _write_upload(run_folder: str, name: str, write_content: Callable[[int], object], replaces: bool = False) -> None:
    """Write an upload to a temporary file by calling `write_content` with its descriptor, and move it into place."""
    uploads = os.path.join(run_folder, UPLOADS)
    destination = os.path.join(uploads, name)
    if os.path.isdir(destination) or (os.path.lexists(destination) and not replaces):
        raise _create_name_taken_error(name)
    # It is a link if the run was executed on a cluster, whose nodes have the folder in another file system.
    real_uploads = os.path.realpath(uploads)
    if not os.path.realpath(destination).startswith(os.path.join(real_uploads, "")):
        raise UserErrorException(f"The name {name!r} leads out of the run, by a link in {uploads}.")
    real_folder = os.path.dirname(real_uploads)
    unfinished = os.path.join(real_folder, f".upload-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        os.makedirs(real_folder, 0o700, exist_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_content(descriptor)
        finally:
            os.close(descriptor)
        os.makedirs(os.path.dirname(destination), 0o700, exist_ok=True)
        if replaces:
            os.rename(unfinished, destination)
        else:
            # Unlike a rename, a link does not replace a file that another process has just stored there.
            os.link(unfinished, destination)
    except OSError as error:
        raise _convert_os_error(name, run_folder, error) from error
    finally:
        with suppress(OSError):
            os.unlink(unfinished)


def _convert_os_error(name: str, run_folder: str, error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserErrorException(f"{name!r} is not uploaded: the disk that holds {run_folder} is full.", error)
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return _create_name_taken_error(name)
    if error.errno == errno.ENAMETOOLONG:
        return UserErrorException(f"The name {name!r} is too long for a file. Choose a shorter one.", error)
    return ServiceException(f"{name!r} is not uploaded: {error.filename or run_folder}: {error.strerror}.", error)


def _create_name_taken_error(name: str) -> UserErrorException:
    return UserErrorException(
        f"The run has a file {name!r} already, and a file that is kept does not change. Choose another name."
    )
