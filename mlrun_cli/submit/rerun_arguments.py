"""Changes of parameters in the arguments of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.runs.parameter_replacement import append_flag, append_parameter, find_flag, has_value, replace_parameter
from mlrun_cli.runs.parameters import FALSE, TRUE


class ChangedArguments(NamedTuple):
    """The arguments of an earlier run with changed parameters.

    Attributes:
        words: the arguments.
        absent_flags: the flags, such as `--fp16`, that are false, and that the arguments leave out.
        notes: lines about parameters that the earlier run did not have.
    """

    words: Sequence[str]
    absent_flags: Sequence[str]
    notes: Sequence[str]


def change_arguments(
    run_id: str,
    arguments: Sequence[str],
    absent_flags: Sequence[str],
    parameters: Mapping[str, str],
    flags: Sequence[str],
) -> ChangedArguments:
    """Return the arguments of a run with the given parameter values and flags applied.

    Args:
        run_id: the id of the run, for notes and errors.
        arguments: its arguments.
        absent_flags: its flags that are false.
        parameters: the new values, keyed by name.
        flags: the names of flags that become true.

    Raises:
        InvalidValue: a flag is a parameter with a value, or a positional argument does not exist.
    """
    words, absent, notes = arguments, {flag.lstrip("-"): flag for flag in absent_flags}, []
    for name, text in parameters.items():
        flag = find_flag(words, name)
        replaced = replace_parameter(words, name.lstrip("+"), text)
        if replaced is not None:
            words = replaced
            if flag is not None and text == FALSE:
                absent[name] = flag
        elif name in absent and text in {TRUE, FALSE}:
            words = append_flag(words, absent.pop(name)) if text == TRUE else words
        else:
            absent.pop(name, None)
            words = append_parameter(words, name, text)
            notes.append(_describe_addition(run_id, name, text))
    for option in flags:
        name = option.lstrip("-")
        if has_value(words, name):
            raise InvalidValue(
                f"--set: '{name}' has a value in the run '{run_id}'.",
                hint=f"Write --set {name}=VALUE.",
                target="--set",
            )
        replaced = replace_parameter(words, name, TRUE)
        if replaced is None and name not in absent:
            notes.append(f"--set: '{run_id}' has no '{name}': it is added to the arguments.")
        words = append_flag(words, absent.pop(name, option)) if replaced is None else replaced
    return ChangedArguments(words, list(absent.values()), notes)


def _describe_addition(run_id: str, name: str, value_text: str) -> str:
    note = f"--set: '{run_id}' has no '{name}': it is added to the arguments."
    return f"{note} For an option without a value: --set {name}" if value_text in {TRUE, FALSE} else note
