"""The options of the program, which precede and follow the user's own arguments, as in Azure."""

import json
import os
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

_OPTIONS = (
    "scoring_module_name",
    "mini_batch_size",
    "error_threshold",
    "output_action",
    "append_row_file_name",
    "process_count_per_node",
    "run_invocation_timeout",
    "run_max_try",
    "allowed_failed_count",
    "allowed_failed_percent",
    "partition_keys",
    "logging_level",
    "input_tables",
    "output",
)
_INPUT = "--input_fds_"

APPEND_ROW = "append_row"
DEFAULT_BATCH_FILES = 10
DEFAULT_BATCH_BYTES = 1 << 20
THIS_MACHINE = ("127.0.0.1", "localhost")
_DEFAULT_FILE_NAME = "parallel_run_step.txt"


class Options(NamedTuple):
    """The settings of a step; `None` for limits that do not apply.

    Attributes:
        entry_script: the path of the script, relative to the working folder.
        inputs: the paths of files or folders, or the ids of datasets.
        tables: how the files of an input are read as a table, by its position as text.
        mini_batch_size: a number of files, or of bytes for tables; None means the default.
        error_threshold: how many items may fail; None means any number.
        process_count: the number of worker processes on each node.
        timeout_seconds: how long one call of `run` may take.
        max_tries: how often a batch is tried.
        allowed_failed_count, allowed_failed_percent: how many batches may fail.
        partition_keys: the columns whose values make a batch.
        output_folder: the folder of the output; None if there is none.
        node_count: the number of nodes.
        driver_host: the address of the driver's node; None if there is only one.
    """

    entry_script: str
    inputs: List[str]
    tables: Dict[str, Dict[str, Any]]
    mini_batch_size: Optional[int]
    error_threshold: Optional[int]
    is_appending: bool
    file_name: str
    process_count: int
    timeout_seconds: float
    max_tries: int
    allowed_failed_count: Optional[int]
    allowed_failed_percent: Optional[float]
    partition_keys: List[str]
    logging_level: str
    output_folder: Optional[str]
    node_count: int = 1
    driver_host: Optional[str] = None


def get_node_rank() -> str:
    """Return the rank of this process's node as a string, which is also the name of the node's log folders."""
    return os.environ.get("NODE_RANK", "0") if _count_nodes(os.environ) > 1 else "0"


def parse_options(arguments: List[str], environ: Mapping[str, str], core_count: int) -> Options:
    """Parse the program's options, ignoring the arguments of the user's script among them.

    The default number of processes is that of this machine's cores, which nodes that are all this machine share.
    """
    values = _parse_first_options(arguments)
    index = 2 * len(values)
    inputs: list[str] = []
    end = len(arguments)
    while end - 2 >= index and arguments[end - 2].startswith(_INPUT):
        inputs.insert(0, arguments[end - 1])
        end -= 2
    error_threshold = int(values.get("error_threshold", "-1"))
    failed_count = _parse_optional_integer(values, "allowed_failed_count")
    percent = values.get("allowed_failed_percent")
    node_count = _count_nodes(environ)
    driver_host = environ.get("MASTER_ADDR") if node_count > 1 else None
    sharing = node_count if driver_host in THIS_MACHINE else 1
    return Options(
        entry_script=values["scoring_module_name"],
        inputs=inputs,
        tables=json.loads(values.get("input_tables", "{}")),
        mini_batch_size=_parse_optional_integer(values, "mini_batch_size"),
        error_threshold=None if error_threshold < 0 else error_threshold,
        is_appending=values.get("output_action") == APPEND_ROW,
        file_name=values.get("append_row_file_name") or _DEFAULT_FILE_NAME,
        process_count=_parse_optional_integer(values, "process_count_per_node") or max(1, core_count // sharing),
        timeout_seconds=float(values.get("run_invocation_timeout", "60")),
        max_tries=_parse_optional_integer(values, "run_max_try") or 3,
        allowed_failed_count=None if failed_count is None or failed_count < 0 else failed_count,
        allowed_failed_percent=None if percent is None else float(percent),
        partition_keys=json.loads(values.get("partition_keys", "[]")),
        logging_level=values.get("logging_level", "INFO"),
        output_folder=values.get("output"),
        node_count=node_count,
        driver_host=driver_host,
    )


def find_output_folder(arguments: List[str]) -> Optional[str]:
    """Return the output folder named in the program's options, or None if there is none."""
    return _parse_first_options(arguments).get("output")


def _parse_first_options(arguments: List[str]) -> Dict[str, str]:
    """Parse the program's options, which precede all other arguments, into a dict keyed by name."""
    values: dict[str, str] = {}
    for word, value in zip(arguments[::2], arguments[1::2]):
        name = word[2:]
        if not word.startswith("--") or name not in _OPTIONS or name in values:
            break
        values[name] = value
    return values


def _count_nodes(environ: Mapping[str, str]) -> int:
    return int(environ.get("AZUREML_NODE_COUNT", "1"))


def _parse_optional_integer(options: Dict[str, str], option_name: str) -> "Optional[int]":
    return int(options[option_name]) if option_name in options else None
