"""Lines of a journal, the file in which a process of a script records what it logs, as one JSON array per call.

    ["m", name, time, step|null, value]       a scalar, by log: a number, string, boolean or null
    ["l", name, time, null, [value…]]         a list of scalars, by log_list
    ["r", name, time, null, {column: value}]  a row, by log_row
    ["t", name, time, null, {column: …}]      a table, by log_table: a scalar or a list of scalars for each column
    ["i", name, time, null, uri]              the URI of an image; likewise `c` a confusion matrix, `a` an accuracy
                                              table, `d` residuals, `p` predictions
    ["g", time, {key: text|null}]             tags that are set
    ["G", time, [key…]]                       tags that are removed
    ["P", time, {name: text}]                 parameters that are logged
    ["e", time, status, error|null]           how the script reports its end; the error is a mapping of strings
    [">", run id, line]                       any of these except `e`, about a run other than the journal's own

A metric's description is a sixth element. Times are seconds since the epoch. Lines are ASCII; NaN and infinities are
written as in Python's `json`. Later versions read journals of running scripts, so the letters must not change.
"""

from json import dumps
from time import time
from typing import Dict, List

SCALAR = "m"
LIST = "l"
ROW = "r"
TABLE = "t"
IMAGE = "i"
CONFUSION_MATRIX = "c"
ACCURACY_TABLE = "a"
RESIDUALS = "d"
PREDICTIONS = "p"
SET_TAGS = "g"
REMOVE_TAGS = "G"
SET_PARAMETERS = "P"
END = "e"
OF_OTHER_RUN = ">"

LONGEST_NAME = 255
"""The maximum number of characters in the name of a metric."""


def encode_metric(kind: str, name: str, value: str, step: str = "null", description: "str | None" = None) -> str:
    """Return the journal line for a metric value logged now; all arguments except `kind` are JSON texts."""
    more = "" if description is None else f",{description}"
    return f'["{kind}",{name},{time():.6f},{step},{value}{more}]\n'


def encode_scalar_with_time(name: str, value: str, step: str, unix_time: float) -> str:
    """Return the journal line for a scalar logged at a Unix time in seconds; the other arguments are JSON texts."""
    return f'["{SCALAR}",{name},{unix_time:.6f},{step},{value}]\n'


def encode_tags(tags: "Dict[str, str | None]") -> str:
    """Return a journal line that sets tags, with the current time."""
    return f'["{SET_TAGS}",{time():.6f},{dumps(tags)}]\n'


def encode_removed_tags(keys: "List[str]") -> str:
    """Return a journal line that removes tags, with the current time."""
    return f'["{REMOVE_TAGS}",{time():.6f},{dumps(keys)}]\n'


def encode_parameters(parameters: "Dict[str, str]") -> str:
    """Return a journal line that logs parameters, with the current time."""
    return f'["{SET_PARAMETERS}",{time():.6f},{dumps(parameters)}]\n'


def encode_end(status: str, error: "Dict[str, str] | None") -> str:
    """Return a journal line that ends a run as `Completed` or `Failed`, with the current time."""
    return f'["{END}",{time():.6f},"{status}",{dumps(error)}]\n'


def wrap_line_for_run(run_id: str, line: str) -> str:
    """Return a journal line wrapped with the id of its run, so that it can be written to the journal of another run."""
    return f'["{OF_OTHER_RUN}",{dumps(run_id)},{line[:-1]}]\n'
