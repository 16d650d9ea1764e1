"""Changes of parameters in the arguments of an earlier run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.runs.parameter_replacement import (
    POSITIONAL,
    append_flag,
    append_parameter,
    build_negation,
    find_flag,
    has_parameter,
    has_value,
    replace_parameter,
    set_negation,
)
from mlrun_cli.runs.parameters import (
    FALSE,
    TRUE,
    interpret_absent_flag,
    interpret_flag,
    invert_boolean,
    iterate_parameter_words,
)

_CUTOFF = 0.75
"""The similarity of a name that is taken for a typing error."""


class ChangedArguments(NamedTuple):
    """The arguments of an earlier run with changed parameters.

    Attributes:
        words: the arguments.
        absent_flags: the flags, such as `--fp16`, that are off, and that the arguments leave out.
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
        absent_flags: its flags that are off.
        parameters: the new values, keyed by name.
        flags: the names of flags that become true.

    Raises:
        InvalidValue: a flag is a parameter with a value, or a positional argument does not exist.
    """
    changes = _Changes(run_id, arguments, absent_flags)
    for name, text in parameters.items():
        if not changes.set_value(name, text):
            changes.add_value(name, text)
    for option in flags:
        name = option.lstrip("-")
        changes.check_is_flag(name)
        if not changes.set_value(name, TRUE):
            changes.add_flag(name, option)
    return ChangedArguments(changes.words, list(changes.absent.values()), changes.notes)


class _Changes:
    """The arguments of a run while parameters are changed one by one.

    Attributes:
        words: the arguments.
        absent: the options of flags that the arguments leave out, keyed by the names of their parameters.
        notes: lines about parameters that the run did not have.
    """

    def __init__(self, run_id: str, arguments: Sequence[str], absent_flags: Sequence[str]) -> None:
        self._run_id = run_id
        self.words = arguments
        self.absent = {interpret_absent_flag(flag)[0]: flag for flag in absent_flags}
        self.notes: list[str] = []
        self._names = [
            each.name for each in iterate_parameter_words(arguments) if not re.fullmatch(POSITIONAL, each.name)
        ]

    def set_value(self, name: str, text: str) -> bool:
        """Set an existing parameter of the run to a value; return False if the run has no such parameter.

        `no-NAME` is another name of NAME with the other value, unless the run has it as a parameter of its own.
        """
        flag, replaced = find_flag(self.words, name), replace_parameter(self.words, name, text)
        if replaced is not None:
            self.words = replaced
            if flag is not None and text == FALSE and not has_parameter(replaced, name):
                self.absent[name] = flag
            return True
        if text not in {TRUE, FALSE}:
            self.absent.pop(name, None)
            return False
        positive, of_flag = interpret_flag(name)
        return self._set_absent_flag(positive, text if of_flag == TRUE else invert_boolean(text)) or (
            of_flag == FALSE and self._set_negation(positive, text)
        )

    def _set_absent_flag(self, name: str, text: str) -> bool:
        """Set a boolean parameter whose flag is omitted; return False if no omitted flag has this name."""
        if name not in self.absent:
            return False
        if interpret_absent_flag(self.absent[name])[1] != text:
            self.words = append_flag(self.words, self.absent.pop(name))
        return True

    def _set_negation(self, name: str, text: str) -> bool:
        """Add or remove the flag `--no-NAME`; return False if the run has no boolean parameter NAME."""
        replaced = set_negation(self.words, name, text)
        if replaced is None:
            return False
        if text == FALSE and not has_parameter(replaced, name):
            self.absent[name] = build_negation(name)
        self.words = replaced
        return True

    def add_value(self, name: str, text: str) -> None:
        """Append a parameter with a value that the run does not have, and add a note."""
        self.words = append_parameter(self.words, name, text)
        note = self._describe_addition(name)
        self.notes.append(f"{note} For an option without a value: --set {name}" if text in {TRUE, FALSE} else note)

    def add_flag(self, name: str, option: str) -> None:
        """Append a flag that the run does not have, and add a note."""
        self.words = append_flag(self.words, option)
        self.notes.append(self._describe_addition(name))

    def check_is_flag(self, name: str) -> None:
        """Raise if a parameter that was given without a value needs one.

        Raises:
            InvalidValue: it has one in the run, or it is one that Hydra adds.
        """
        has = f"has a value in the run '{self._run_id}'" if has_value(self.words, name) else "has no value here"
        if name.startswith("+") or has_value(self.words, name):
            raise InvalidValue(f"--set: '{name}' {has}.", hint=f"Write --set {name}=VALUE.", target="--set")

    def _describe_addition(self, name: str) -> str:
        import difflib  # noqa: PLC0415 - start-up

        nearest = difflib.get_close_matches(name.lstrip("+~"), [*self._names, *self.absent], n=1, cutoff=_CUTOFF)
        guess = f" Did you mean '{nearest[0]}'?" if nearest else ""
        return f"--set: '{self._run_id}' has no '{name}': it is added to the arguments.{guess}"
