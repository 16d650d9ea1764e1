"""Declaration of a command's options and arguments, in the signature of its function.

    RunIds = Annotated[list[str], Option("--run", "-r", metavar="ID", help="Id of the run.")]

The type of a value is `str`, `int`, `float`, `bool`, `Path` or an enumeration of texts. `list[str]` is the type of an
option that may be repeated, or of an argument of several words. A parameter without a default is required; `bool` is
the type of an option without a value.

These are plain records: two parsers read them, that of plain lines and, for everything else, Typer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from types import NoneType, UnionType
from typing import Any, Protocol

from mlrun_cli.core.named_tuple import NamedTuple

HELP_OPTIONS = ("-h", "--help")
"""The options that show the help of a command."""

REQUIRED: Any = object()
"""The default of a parameter that must be given."""


class Argument(NamedTuple):
    """An argument, which is recognized by its position.

    Attributes:
        metavar: its name in the help.
        help: its meaning.
    """

    metavar: str
    help: str = ""


class Option:
    """An option.

    Attributes:
        names: its names with their dashes.
        off_names: the names of a flag that turn it off, declared as in `--keep/--no-keep`.
        metavar: the placeholder for its value in the help; None for the choices or the type of the value.
        help: its meaning.
        min: the least number that is accepted.
        max: the greatest number that is accepted.
        hidden: whether the help leaves it out.
    """

    __slots__ = ("help", "hidden", "max", "metavar", "min", "names", "off_names")

    def __init__(
        self,
        *names: str,
        metavar: str | None = None,
        help: str = "",  # noqa: A002 - as in Typer
        min: float | None = None,  # noqa: A002
        max: float | None = None,  # noqa: A002
        hidden: bool = False,
    ) -> None:
        self.names = tuple(name.partition("/")[0] for name in names)
        self.off_names = tuple(name.partition("/")[2] for name in names if "/" in name)
        self.metavar = metavar
        self.help = help
        self.min = min
        self.max = max
        self.hidden = hidden


class CommandParameter(NamedTuple):
    """A declared option or argument with its type and default.

    Attributes:
        name: the name of the function's parameter.
        kind: the type of a value, or of each value of a list.
        is_list: whether there may be several values.
        default: the value if it is not given, or `REQUIRED`.
        declared: the declaration.
    """

    name: str
    kind: type
    is_list: bool
    default: Any
    declared: Option | Argument

    @property
    def option_names(self) -> Sequence[str]:
        """The names of the option; empty for an argument."""
        return self.declared.names if isinstance(self.declared, Option) else ()

    @property
    def off_names(self) -> Sequence[str]:
        """The names that turn a flag off, such as `--no-keep`; empty for other parameters."""
        return self.declared.off_names if isinstance(self.declared, Option) else ()

    def without_names(self, names: Set[str]) -> CommandParameter:
        """Return a copy of a global option's parameter without the given names."""
        option = self.declared
        if not isinstance(option, Option) or names.isdisjoint(option.names):
            return self
        left = [name for name in option.names if name not in names]
        return self._replace(declared=Option(*left, metavar=option.metavar, help=option.help))

    def with_remark(self, remark: str) -> CommandParameter:
        """Return a copy of a global option's parameter with a sentence after its help."""
        option = self.declared
        assert isinstance(option, Option)
        return self._replace(declared=Option(*option.names, metavar=option.metavar, help=f"{option.help} {remark}"))


class OptionGroup(Protocol):
    """The type of a command parameter that represents several options."""

    @classmethod
    def build_option_parameters(cls) -> Sequence[CommandParameter]:
        """Return the options that a parameter of this type expands to in a command's signature."""

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> OptionGroup:
        """Create the group from the values of its parameters, keyed by parameter name."""


class Signature(NamedTuple):
    """The parameters of a command's function.

    Attributes:
        parameters: its options and arguments, with those of option groups, in the order of declaration.
        groups: the option groups with the names of their parameters, keyed by the name of the function's parameter.
    """

    parameters: Sequence[CommandParameter]
    groups: Mapping[str, tuple[type[OptionGroup], Sequence[str]]]

    def gather_groups(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of parameters, keyed by name, with the values of each option group combined into one."""
        gathered = dict(values)
        for name, (group, members) in self.groups.items():
            gathered[name] = group.from_values({member: gathered.pop(member) for member in members})
        return gathered


def read_signature(function: Callable[..., object], *, excluded_names: Collection[str]) -> Signature:
    """Return the parameters of a command's function, except some that are not options or arguments."""
    parameters: list[CommandParameter] = []
    groups: dict[str, tuple[type[OptionGroup], Sequence[str]]] = {}
    defaults = _read_defaults(function)
    for name, annotation in _evaluate_annotations(function, excluded_names).items():
        if hasattr(annotation, "build_option_parameters"):
            members = annotation.build_option_parameters()
            groups[name] = annotation, [member.name for member in members]
            parameters += members
        else:
            parameters.append(build_parameter(name, annotation, defaults.get(name, REQUIRED)))
    return Signature(parameters, groups)


def build_parameter(name: str, annotation: Any, default: Any = None) -> CommandParameter:
    """Return the parameter that a type hint such as `Annotated[str | None, Option("--name")]` declares."""
    kind = annotation.__origin__
    if isinstance(kind, UnionType):  # with None
        kind = next(each for each in kind.__args__ if each is not NoneType)
    is_list = getattr(kind, "__origin__", None) is list
    return CommandParameter(name, kind.__args__[0] if is_list else kind, is_list, default, annotation.__metadata__[0])


def _read_defaults(function: Any) -> dict[str, Any]:
    """Return the default values of a function's parameters, keyed by name."""
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    return {**dict(zip(names, defaults, strict=True)), **(function.__kwdefaults__ or {})}


def _evaluate_annotations(function: Any, excluded_names: Collection[str]) -> dict[str, Any]:
    """Return the type hints of a function's parameters without importing `inspect`, which is slow to load."""
    hints = {name: hint for name, hint in function.__annotations__.items() if name not in ("return", *excluded_names)}
    if all(isinstance(hint, str) for hint in hints.values()):
        # Compiling one expression takes less time than compiling many.
        code = f"({''.join(f'{hint},' for hint in hints.values())})"
        return dict(zip(hints, eval(code, function.__globals__), strict=True))  # noqa: S307 - the text is this package's
    return hints
