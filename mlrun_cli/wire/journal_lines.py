"""Lines of a journal: the file in which one process of a script writes down what it logs, a JSON array per call.

    ["m", name, time, step|null, value]       a scalar, by log: a number, a text, a boolean or null
    ["l", name, time, null, [value…]]         a list of scalars, by log_list
    ["r", name, time, null, {column: value}]  a row, by log_row
    ["t", name, time, null, {column: …}]      a table, by log_table: a scalar or a list of them for each column
    ["i", name, time, null, uri]              where an image is kept; likewise `c` a confusion matrix, `a` an accuracy
                                              table, `d` residuals, `p` predictions
    ["g", time, {key: text|null}]             tags that are set
    ["G", time, [key…]]                       tags that are removed
    ["e", time, status, error|null]           how the script says that it ends; the error has texts by name
    [">", run id, line]                       any of these but `e`, about another run than the journal's own

A metric's description is a sixth element. Times are seconds since 1970. Lines are ASCII; NaN and the infinities are
written as Python's `json` does. Journals of running scripts are read by later versions: the letters stay.
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
END = "e"
OF_OTHER_RUN = ">"

LONGEST_NAME = 255
"""Characters in the name of a metric."""


def encode_metric(kind: str, name: str, value: str, step: str = "null", description: "str | None" = None) -> str:
    """Return the line of a value that is logged now; all but the kind are JSON texts."""
    more = "" if description is None else f",{description}"
    return f'["{kind}",{name},{time():.6f},{step},{value}{more}]\n'


def encode_tags(tags: "Dict[str, str | None]") -> str:
    """Return the line of tags that are set now."""
    return f'["{SET_TAGS}",{time():.6f},{dumps(tags)}]\n'


def encode_removed_tags(keys: "List[str]") -> str:
    """Return the line of tags that are removed now."""
    return f'["{REMOVE_TAGS}",{time():.6f},{dumps(keys)}]\n'


def encode_end(status: str, error: "Dict[str, str] | None") -> str:
    """Return the line of a script that ends as `Completed` or `Failed`."""
    return f'["{END}",{time():.6f},"{status}",{dumps(error)}]\n'


def encode_for_run(run_id: str, line: str) -> str:
    """Return a line addressed to a run, for the journal of another process."""
    return f'["{OF_OTHER_RUN}",{dumps(run_id)},{line[:-1]}]\n'
