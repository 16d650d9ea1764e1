"""`run sweep`: submit a sweep that the command line describes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import (
    add_option_to_errors,
    parse_seconds,
    resolve_on_interrupt,
)
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.new_run_options import NewRunOptions
from mlrun_cli.cli.run.options import (
    Async,
    Ci,
    CondaDependencies,
    Environment,
    ExperimentName,
    IsCommand,
    OnInterruptOption,
    RunconfigName,
    ScriptAndArguments,
    SourceDirectory,
    SweepDryRun,
    TargetName,
    UnknownTarget,
)
from mlrun_cli.cli.run.submit_request import build_submit_request
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import ConflictingOptions, InvalidValue, MissingOption

if TYPE_CHECKING:
    from mlrun_cli.sweeps.definition import PrimaryMetric, SweepDefinition
    from mlrun_cli.sweeps.expressions import Expression
    from mlrun_cli.sweeps.sampling import Sampling

_SECONDS_PER_MINUTE = 60
_Texts = list[str] | None


@command(
    app,
    "sweep",
    script=True,
    examples=[
        (
            "Run a script with each of four pairs of values",
            "mlrun run sweep --grid lr=0.05,0.1 --grid depth=2,3 --minimize rmse train.py",
        ),
        (
            "Run a script with each of eight values that are drawn",
            "mlrun run sweep --random 'lr=uniform(0,1)' --max 8 --maximize acc train.py",
        ),
    ],
    default_output="table on a terminal, json elsewhere",
)
def sweep(
    global_options: GlobalOptions,
    grid: Annotated[
        _Texts, Option("--grid", metavar="NAME=VALUE,...", help="Parameter with all of its values.")
    ] = None,
    random: Annotated[
        _Texts,
        Option(
            "--random",
            metavar="NAME=EXPRESSION",
            help="Parameter to draw from uniform(0,1), loguniform(1e-5,1e-2), normal(0,1), randint(10), or a list.",
        ),
    ] = None,
    flags: Annotated[
        _Texts, Option("--flag", metavar="NAME", help="Parameter without a value: runs with --NAME, and without it.")
    ] = None,
    minimize: Annotated[
        str | None, Option("--minimize", metavar="METRIC", help="Metric of which the run with the least is the best.")
    ] = None,
    maximize: Annotated[
        str | None, Option("--maximize", metavar="METRIC", help="Metric of which the run with the most is the best.")
    ] = None,
    max_total: Annotated[
        int | None, Option("--max", metavar="N", min=1, help="Number of runs. Default for a grid: all of it.")
    ] = None,
    max_concurrent: Annotated[
        int | None,
        Option("--concurrent", metavar="N", min=1, help="Number of live runs. Default: processors of this machine."),
    ] = None,
    duration: Annotated[
        str | None,
        Option("--duration", metavar="TIME", help="Time after which live runs are canceled and the sweep ends, as 6h."),
    ] = None,
    policy: Annotated[
        str | None,
        Option(
            "--policy",
            metavar="POLICY",
            help="Ends runs early: bandit:slack=0.1,interval=2, median:delay=5 or truncation:percentage=20.",
        ),
    ] = None,
    is_bayesian: Annotated[
        bool, Option("--bayesian", help="Draw near the best values so far (needs the extra 'sweep').")
    ] = False,
    seed: Annotated[int | None, Option("--seed", metavar="N", min=0, help="Seed, for the same draws again.")] = None,
    resume_from: Annotated[
        _Texts, Option("--resume-from", metavar="ID", help="Ended sweep whose runs count as earlier ones.")
    ] = None,
    runconfig_name: RunconfigName = None,
    experiment_name: ExperimentName = None,
    source_directory: SourceDirectory = None,
    is_command: IsCommand = False,
    is_async: Async = False,
    conda_dependencies: CondaDependencies = None,
    environment: Environment = None,
    target: TargetName = None,
    unknown_target: UnknownTarget = None,
    is_dry_run: SweepDryRun = False,
    interrupt: OnInterruptOption = None,
    ci: Ci = CiName.AUTO,
    *,
    new_run_options: NewRunOptions,
    script_and_arguments: ScriptAndArguments = None,
) -> object:
    """Run a script with many values of its arguments, and find the best run.

    Each run gets '--NAME VALUE' behind the arguments of the script. With --random, values are drawn; with --grid alone,
    each combination is run. A terminal shows the runs while they go, the best one last; otherwise the log of the sweep
    goes to stderr. Ctrl-C stops the watching, not the sweep.
    """
    from mlrun_cli.cli.run.streamed_sweep import submit_sweep_and_stream  # noqa: PLC0415
    from mlrun_cli.submit.sweep_overrides import add_override_placeholders  # noqa: PLC0415

    problems = Problems()
    definition: SweepDefinition | None = None
    with problems.collect_errors():
        sampling = _build_sampling(grid or (), random or (), flags or (), seed, is_bayesian=is_bayesian)
        definition = _build_definition(sampling, _build_metric(minimize, maximize), max_total, max_concurrent)
        definition = _add_limits(definition, policy, duration)
    problems.raise_if_any()
    assert definition is not None
    context = open_context(global_options, creates=True, is_dry_run=is_dry_run, only_reads=is_dry_run)
    request = build_submit_request(
        context,
        global_options,
        script_and_arguments or (),
        is_command=is_command,
        runconfig_name=runconfig_name,
        experiment_name=experiment_name,
        source_directory=source_directory,
        conda_dependencies=conda_dependencies,
        environment=environment,
        target=target,
        unknown_target=unknown_target,
    )
    request = add_override_placeholders(request, definition.sampling.space)
    return submit_sweep_and_stream(
        context,
        new_run_options.parse().apply_to_sweep(request),
        definition._replace(resume_from=tuple(resume_from or ())),
        global_options,
        resolve_on_interrupt(interrupt),
        is_async=is_async,
        is_dry_run=is_dry_run,
        ci=ci,
        shows_table=True,
    )


def _build_sampling(
    grid: Sequence[str], random: Sequence[str], flags: Sequence[str], seed: int | None, *, is_bayesian: bool
) -> Sampling:
    """Return a grid if no parameter is random, otherwise random or Bayesian sampling of all parameters."""
    from mlrun_cli.sweeps.expression_text import parse_parameter  # noqa: PLC0415 - start-up
    from mlrun_cli.sweeps.expressions import CHOICE, build_expression  # noqa: PLC0415 - start-up
    from mlrun_cli.sweeps.sampling import SamplingMethod, build_sampling  # noqa: PLC0415 - start-up

    space: dict[str, Expression] = {}
    for option, texts in (("--grid", grid), ("--random", random)):
        for text in texts:
            with add_option_to_errors(option):
                name, expression = parse_parameter(text)
            if name in space:
                raise ConflictingOptions(f"The parameter '{name}' is given twice.", hint="Leave one out.", target=name)
            if option == "--grid" and expression.name != CHOICE:
                raise InvalidValue(
                    f"--grid: '{text}' is not a list of values.",
                    hint=f"Write the values, as in --grid {name}=0.05,0.1, or draw with --random '{text}'.",
                    target=text,
                )
            space[name] = expression
    for name in flags:
        if not name.strip("-") or "=" in name:
            raise InvalidValue(
                f"--flag: '{name}' is not the name of an option.",
                hint="Write the name alone, as in --flag fp16; for values there is --grid lr=0.05,0.1.",
                target=name,
            )
        if name in space:
            raise ConflictingOptions(f"The parameter '{name}' is given twice.", hint="Leave one out.", target=name)
        space[name] = build_expression(CHOICE, [True, False])
    if not space:
        raise MissingOption(
            "A sweep needs a parameter.", hint="Add --grid lr=0.05,0.1 or --random 'lr=uniform(0,1)'.", target="--grid"
        )
    method = SamplingMethod.RANDOM if random else SamplingMethod.GRID
    return build_sampling(SamplingMethod.BAYESIAN if is_bayesian else method, space, seed, flags)


def _build_metric(minimize: str | None, maximize: str | None) -> PrimaryMetric:
    from mlrun_cli.metrics.goal import Goal  # noqa: PLC0415 - start-up
    from mlrun_cli.sweeps.definition import PrimaryMetric  # noqa: PLC0415 - start-up

    if minimize is not None and maximize is not None:
        raise ConflictingOptions(
            "--minimize and --maximize exclude each other.", hint="Leave one of them out.", target="--maximize"
        )
    name = minimize if maximize is None else maximize
    if not name:
        raise MissingOption(
            "A sweep needs the metric by which its runs are compared.",
            hint="Add --minimize rmse or --maximize accuracy, with the name that the script logs.",
            target="--minimize",
        )
    return PrimaryMetric(name, Goal.MINIMIZE if maximize is None else Goal.MAXIMIZE)


def _build_definition(
    sampling: Sampling, metric: PrimaryMetric, max_total: int | None, max_concurrent: int | None
) -> SweepDefinition:
    from mlrun_cli.sweeps.definition import build_definition  # noqa: PLC0415 - start-up
    from mlrun_cli.sweeps.policies import Policy  # noqa: PLC0415 - start-up

    total = max_total or sampling.space_size
    if total is None:
        raise MissingOption("--max is missing: these draws have no end.", hint="Add --max 20.", target="--max")
    concurrent = max_concurrent or min(total, os.cpu_count() or 1)
    return build_definition(sampling, Policy(), metric, total, concurrent)


def _add_limits(definition: SweepDefinition, policy: str | None, duration: str | None) -> SweepDefinition:
    """Return a definition with the early termination policy and the time limit given on the command line."""
    if policy is not None:
        from mlrun_cli.sweeps.policy_text import parse_policy  # noqa: PLC0415 - start-up

        with add_option_to_errors("--policy"):
            definition = definition._replace(policy=parse_policy(policy))
    if duration is None:
        return definition
    seconds = parse_seconds(duration, "--duration", needs_unit=True)
    minutes = max(1, -(-int(seconds) // _SECONDS_PER_MINUTE))
    return definition._replace(max_duration_minutes=minutes)
