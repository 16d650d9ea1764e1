"""Tables that are written to datastores as Parquet files."""

import os
import re
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import quote

from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.datapath import DataPath
from azureml.exceptions import UserErrorException


def parse_target(target: Any) -> "Tuple[Any, Optional[str]]":
    """Return the datastore and the path of a target; the path is None for the datastore's root.

    Raises:
        UserErrorException: The value is not a datastore, a pair of datastore and path, or a DataPath with a datastore.
    """
    if isinstance(target, AbstractDatastore):
        return target, None
    if isinstance(target, DataPath) and target._datastore is not None:
        return target._datastore, target.path_on_datastore
    if isinstance(target, tuple) and len(target) == 2 and isinstance(target[0], AbstractDatastore):
        return target[0], target[1]
    raise UserErrorException(f"The target is a datastore, (datastore, 'path') or a DataPath, not {target!r}.")


def choose_folder(target: Any, is_unique: bool = True) -> "Tuple[Any, str]":
    """Return a target's datastore and the path of a folder in the datastore: a new subfolder if `is_unique` is true.

    Raises:
        UserErrorException: As of `parse_target`.
    """
    datastore, path = parse_target(target)
    unique = os.urandom(16).hex() if is_unique else ""
    return datastore, "/".join(part for part in ((path or "").strip("/"), unique) if part)


def write_parquet_file(frame: Any, datastore: Any, path: str, **options: Any) -> str:
    """Write a pandas data frame to a Parquet file in a datastore, and return the file's full path.

    Raises:
        UserErrorException: pyarrow is not installed in this environment.
    """
    file: str = os.path.join(datastore._folder, datastore._normalize_path(path))
    os.makedirs(os.path.dirname(file), exist_ok=True)
    try:
        frame.to_parquet(file, **options)
    except ImportError as error:
        raise UserErrorException(
            f"Data frames are kept as Parquet files, which need a package more ({error}): 'pip install pyarrow' "
            "in this environment."
        ) from error
    return file


def write_partitions(frame: Any, partition_keys: "List[str]", target: Any) -> "Tuple[Any, str, Dict[str, str]]":
    """Write a Parquet file for each combination of key values; return the files' location and partition format.

    The files keep all columns; their folders are named by the values.

    Returns:
        The datastore, the path of the folder, and the option for its partition format.

    Raises:
        UserErrorException: There is no key, the table lacks one, one is given twice or is no word, or pyarrow is not
            installed.
    """
    missing = [key for key in partition_keys if key not in frame.columns]
    if missing or not partition_keys:
        names = ", ".join(map(repr, missing)) or "''"
        raise UserErrorException(
            f"The table has no column {names} to partition by; it has: {', '.join(map(str, frame.columns))}."
        )
    unusable = [key for key in partition_keys if re.fullmatch(r"\w+", str(key)) is None]
    if unusable or len(set(partition_keys)) < len(partition_keys):
        raise UserErrorException(
            "The columns to partition by are named once each, by names of letters, digits and underscores, not "
            f"{', '.join(map(repr, unusable or partition_keys))}."
        )
    datastore, folder = choose_folder(target)
    file_counts: Dict[str, int] = {}
    for values, rows in frame.groupby(list(partition_keys), sort=False, dropna=False, observed=True):
        place = "/".join(map(_quote_folder_name, values if isinstance(values, tuple) else (values,)))
        count = file_counts.get(place, 0)  # a missing value has the name of the text "nan"
        file_counts[place] = count + 1
        write_parquet_file(rows.reset_index(drop=True), datastore, f"{folder}/{place}/part-{count:05}.parquet")
    form = "/".join(f"{{{key}}}" for key in partition_keys)
    return datastore, folder, {"partition_format": f"/{form}/*.parquet"}


def _quote_folder_name(value: Any) -> str:
    """Return a value percent-encoded as a folder name that is neither empty nor `.` or `..`."""
    text = quote(str(value), safe=" ")
    return text.replace(".", "%2E") if text in (".", "..") else text or "%"
