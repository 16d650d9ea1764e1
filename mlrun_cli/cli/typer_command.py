"""Commands of Typer, built from their declarations: for help, completion, errors, and lines that are not plain.

Commands are built only when needed: of a group's commands, only the one that was typed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from mlrun_cli.cli.abbreviation import build_name_expander
from mlrun_cli.cli.command import CommandParameters, Declaration, Invocation, run_command
from mlrun_cli.cli.declarations import REQUIRED, CommandParameter, Option
from mlrun_cli.cli.global_options import GLOBAL_OPTIONS
from mlrun_cli.cli.option_checks import check_given_values, collect_given_values
from mlrun_cli.errors import UsageError

Runner: TypeAlias = Callable[[Declaration, CommandParameters, Mapping[str, Any], Invocation], int]

_RUN_OPTION = "-r"


def invoke_command(tree: TyperGroup, arguments: Sequence[str], program: str, invocation: Invocation) -> int:
    """Parse a command line, run its command and return the exit code.

    Raises:
        UsageError: the arguments do not fit the command's parameters.
    """
    try:
        with tree.make_context(program, list(arguments), obj=invocation) as context:
            returned = tree.invoke(context)
            return returned if isinstance(returned, int) else 0
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.TyperException as error:
        raise UsageError(error.format_message(), hint="See 'mlrun -h'.") from error


class Command(TyperCommand):
    """A Typer command with this program's help pages, option checks and abbreviated long options."""

    examples: Sequence[tuple[str, str]] = ()

    def make_parser(self, ctx: Any) -> Any:
        """Return the parser of the command line, which expands abbreviated long options."""
        ctx.token_normalize_func = build_name_expander(self.get_params(ctx))
        return super().make_parser(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments after the command into Typer's context; return an empty list.

        Raises:
            UsageError: the arguments do not fit the command's parameters.
        """
        if ctx.resilient_parsing:  # a line that is being typed
            super().parse_args(ctx, args)
            return []
        parameters = self.get_params(ctx)
        typed: Mapping[str, Any] = {}
        words: Sequence[str] = ()
        try:
            typed, words = collect_given_values(self.make_parser(ctx), parameters, args)
            check_given_values(parameters, typed)
            self._parse_or_pick(ctx, args)
        except typer.TyperException as error:
            from mlrun_cli.cli.usage_errors import to_usage_error  # noqa: PLC0415 - start-up

            raise to_usage_error(error, ctx, typed, words) from error
        if ctx.args:
            from mlrun_cli.cli.usage_errors import build_unexpected_arguments_error  # noqa: PLC0415 - start-up

            raise build_unexpected_arguments_error(ctx, ctx.args, typed)
        return []

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the options that start with the word being typed, or none among the arguments of a script."""
        in_script = not ctx.allow_interspersed_args and any(
            ctx.params.get(each.name) for each in self.params if each.param_type_name == "argument"
        )
        return [] if in_script else super().shell_complete(ctx, incomplete)

    def _parse_or_pick(self, ctx: Any, args: list[str]) -> None:
        """Parse the arguments; if only a run is missing and the terminal allows it, let the user select one."""
        try:
            super().parse_args(ctx, list(args))
        except typer.TyperException as error:
            if _RUN_OPTION not in getattr(getattr(error, "param", None), "opts", ()) or not hasattr(
                error, "param_type"
            ):
                raise
            from mlrun_cli.cli.run.selection import PICK, can_pick_run  # noqa: PLC0415 - start-up

            if not can_pick_run():
                raise
            super().parse_args(ctx, [_RUN_OPTION, PICK, *args])
            if ctx.args:
                raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the command's help page to the formatter."""
        from mlrun_cli.cli.help.pages import format_command_help  # noqa: PLC0415 - start-up
        from mlrun_cli.cli.help.topics import find_topic  # noqa: PLC0415

        formatter.write(format_command_help(ctx, self.examples, find_topic(ctx.command_path)))


def build_command(
    declaration: Declaration, subcommand: str, *, with_completers: bool = False, run_declaration: Runner = run_command
) -> Command:
    """Build and return the Typer command for a declaration.

    Args:
        declaration: the command.
        subcommand: the subcommand, as it is typed.
        with_completers: whether its options suggest values to a shell.
        run_declaration: is called with the values of its parameters.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"allow_extra_args": True, "allow_interspersed_args": not declaration.script}
    register = app.command(subcommand, cls=Command, help=declaration.description, context_settings=settings)
    register(_build_callback(declaration, run_declaration, with_completers=with_completers))
    built = typer.main.get_command(app)
    assert isinstance(built, Command)
    built.examples = declaration.examples
    return built


def _build_callback(declaration: Declaration, run_declaration: Runner, *, with_completers: bool) -> Callable[..., int]:
    """Return a function for Typer whose signature has the command's own, query and shared parameters."""
    parameters = declaration.read_parameters()
    context = inspect.Parameter("typer_context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    def callback(*, typer_context: typer.Context, **values: Any) -> int:
        return run_declaration(declaration, parameters, values, typer_context.ensure_object(Invocation))

    declared = [context]
    for parameter in parameters.all_parameters:
        settings: dict[str, Any] = {}
        if parameter in parameters.shared:
            settings["rich_help_panel"] = GLOBAL_OPTIONS
        if with_completers:
            from mlrun_cli.cli.completion.values import find_completer  # noqa: PLC0415 - only a shell needs it

            settings["autocompletion"] = find_completer(parameter.declared)
        declared.append(_build_signature_parameter(parameter, settings))
    # Typer reads the options from these two.
    callback.__signature__ = inspect.Signature(declared)  # type: ignore[attr-defined]
    callback.__annotations__ = {each.name: each.annotation for each in declared}
    return callback


def _build_signature_parameter(parameter: CommandParameter, settings: Mapping[str, Any]) -> inspect.Parameter:
    """Return the `inspect.Parameter` from which Typer reads a parameter of a command."""
    declared = parameter.declared
    info: Any
    if isinstance(declared, Option):
        pair = [f"{name}/{off}" for name, off in zip(declared.names, declared.off_names, strict=False)]
        info = typer.Option(
            *(pair or declared.names),
            metavar=declared.metavar,
            help=declared.help,
            min=declared.min,
            max=declared.max,
            hidden=declared.hidden,
            **settings,
        )
    else:
        info = typer.Argument(metavar=declared.metavar, help=declared.help, **settings)
    kind: Any = list[parameter.kind] if parameter.is_list else parameter.kind  # type: ignore[name-defined]
    is_required = parameter.default is REQUIRED
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if is_required else parameter.default,
        annotation=Annotated[kind | None if parameter.default is None else kind, info],
    )
