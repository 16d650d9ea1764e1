from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from mlrun_cli.errors import InvalidValue, ProgramNotFound
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.sweeps.bayesian_sampling import check_optuna
from mlrun_cli.sweeps.expressions import Expression, build_expression
from mlrun_cli.sweeps.sampling import Sampler, Sampling, SamplingMethod, Trial, build_sampling, sampling_from_json

RANDOM, GRID, BAYESIAN = SamplingMethod.RANDOM, SamplingMethod.GRID, SamplingMethod.BAYESIAN
FINITE = {"a": build_expression("choice", [["x", "y", "z"]]), "b": build_expression("randint", [4])}
MIXED = {**FINITE, "lr": build_expression("loguniform", [-7, 0])}


def _make(method: SamplingMethod, space: dict[str, Expression], seed: int = 3) -> Sampler:
    return build_sampling(method, space, seed).create_sampler(Goal.MAXIMIZE)


@pytest.mark.parametrize("space", [FINITE, MIXED])
def test_random_samples_depend_on_seed_and_number_alone(space: dict[str, Expression]) -> None:
    sampler = _make(RANDOM, space)
    sampled = [sampler.sample(number) for number in range(12)]

    for _ in range(10):
        again = _make(RANDOM, space)
        assert [again.sample(number) for number in reversed(range(12))] == sampled[::-1]
    assert [list(values) for values in sampled] == [list(space)] * 12
    other = _make(RANDOM, space, seed=4)
    assert [other.sample(number) for number in range(12)] != sampled


def test_random_samples_are_the_same_on_every_machine() -> None:
    assert [_make(RANDOM, FINITE).sample(number) for number in range(3)] == [
        {"a": "y", "b": 2},
        {"a": "x", "b": 1},
        {"a": "y", "b": 1},
    ]
    assert _make(RANDOM, MIXED).sample(999) == {"a": "y", "b": 3, "lr": pytest.approx(0.011543666545012772)}


def test_a_finite_space_is_sampled_without_repetition_and_each_order_is_equally_likely() -> None:
    sampler = _make(RANDOM, FINITE)
    assert {tuple(sampler.sample(number).values()) for number in range(12)} == set(itertools.product("xyz", range(4)))

    space = {"a": FINITE["a"]}
    orders = Counter(
        "".join(sampler.sample(number)["a"] for number in range(3))
        for sampler in (_make(RANDOM, space, seed) for seed in range(6000))
    )
    assert len(orders) == 6
    assert sum((count - 1000) ** 2 / 1000 for count in orders.values()) < 20.5  # 0.1 % for five degrees of freedom


def test_a_space_of_any_size_is_sampled_lazily() -> None:
    space = {f"p{index}": build_expression("choice", [list(range(1000))]) for index in range(20)}
    size = build_sampling(GRID, space).space_size
    assert size == 1000**20
    assert _make(GRID, space).sample(size - 1) == dict.fromkeys(space, 999)
    assert len({tuple(_make(RANDOM, space).sample(number).values()) for number in range(10)}) == 10


def test_the_last_parameter_of_a_grid_varies_fastest() -> None:
    space = {"a": build_expression("choice", [["x", "y"]]), "b": build_expression("choice", [[1, 2, 3]])}
    sampler = _make(GRID, space)
    sampled = [sampler.sample(number) for number in range(6)]
    assert sampled == [{"a": a, "b": b} for a in "xy" for b in (1, 2, 3)]
    assert build_sampling(GRID, space).space_size == 6


def test_only_spaces_of_choices_and_integers_have_a_size() -> None:
    assert build_sampling(RANDOM, FINITE).space_size == 12
    assert build_sampling(RANDOM, MIXED).space_size is None
    assert build_sampling(RANDOM, {"q": build_expression("quniform", [0, 9, 1])}).space_size is None


def test_a_grid_refuses_what_has_no_list_of_values() -> None:
    with pytest.raises(InvalidValue, match="b has randint"):
        build_sampling(GRID, FINITE)


def test_a_space_without_parameters_is_refused() -> None:
    with pytest.raises(InvalidValue):
        build_sampling(RANDOM, {})


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    document = build_sampling(RANDOM, FINITE).to_json()
    with pytest.raises(InvalidValue):
        sampling_from_json({**document, "properties": {"seed": seed}})


def test_a_sampling_is_kept_with_its_seed() -> None:
    for sampling in (build_sampling(RANDOM, MIXED), build_sampling(RANDOM, MIXED, 7)):
        assert sampling_from_json(sampling.to_json()) == sampling
    seeds = {build_sampling(RANDOM, MIXED).with_seed().seed for _ in range(5)}
    assert len(seeds) == 5
    assert build_sampling(RANDOM, MIXED, 7).with_seed().seed == 7
    assert sampling_from_json({**build_sampling(GRID, {"a": FINITE["a"]}).to_json(), "name": "Grid"}).method is GRID


BAYESIAN_SPACE = {
    "x": build_expression("uniform", [0, 10]),
    "kind": build_expression("choice", [[1, 1.0, True, "good", [1], None]]),
    "depth": build_expression("quniform", [0, 20, 5]),
}


def _measure(values: dict[str, Any]) -> float:
    bonus = 5.0 if values["kind"] == "good" else 0.0
    return bonus - float((values["x"] - 7) ** 2) - float(abs(values["depth"] - 10))


def _run_bayesian(count: int, *, restart: bool = False) -> list[dict[str, Any]]:
    sampler = _make(BAYESIAN, BAYESIAN_SPACE)
    trials: list[Trial] = []
    for number in range(count):
        if restart:
            sampler = _make(BAYESIAN, BAYESIAN_SPACE)
        live = trials[-1:]  # the last one still runs, as with two at a time
        seen = [*trials[:-1], *(trial._replace(metric=None, is_live=True) for trial in live)]
        values = sampler.sample(number, seen)
        trials.append(Trial(values, _measure(values)))
    return [dict(trial.values) for trial in trials]


def test_bayesian_samples_approach_the_best_values_and_are_the_same_after_a_restart() -> None:
    sampled = _run_bayesian(40)
    assert _run_bayesian(40, restart=True) == sampled
    for values in sampled:
        assert 0 <= values["x"] <= 10
        assert values["depth"] in {0, 5, 10, 15, 20}
        assert isinstance(values["depth"], int)
    early = sum(_measure(values) for values in sampled[:10]) / 10
    late = sum(_measure(values) for values in sampled[-10:]) / 10
    assert late > early + 5
    assert max(_measure(values) for values in sampled) > 4


NUMERIC: dict[str, tuple[list[float], Callable[[float], bool]]] = {
    "randint": ([40], lambda value: value in range(40)),
    "loguniform": ([-11.5, -4.6], lambda value: math.exp(-11.5) <= value <= math.exp(-4.6)),
    "qloguniform": ([-2, 5, 3], lambda value: value in range(0, 151, 3)),
    "normal": ([-30, 12], lambda value: abs(value + 30) < 120),
    "qnormal": ([20, 12, 5], lambda value: value % 5 == 0),
    "lognormal": ([2, 1.5], lambda value: value > 0),
    "qlognormal": ([2, 1.5, 2], lambda value: value >= 0 and value % 2 == 0),
}


@pytest.mark.parametrize("name", NUMERIC)
def test_bayesian_samples_of_a_numeric_expression_approach_the_best_value(name: str) -> None:
    arguments, is_valid = NUMERIC[name]
    expression = build_expression(name, arguments)
    scale = math.log1p if "log" in name else float
    sampler = _make(BAYESIAN, {"x": expression})
    best = sorted(expression.sample(Random(number)) for number in range(101))[75]  # above most of the samples
    trials: list[Trial] = []
    for number in range(60):
        values = sampler.sample(number, trials)
        assert is_valid(values["x"])
        assert isinstance(values["x"], int) == (name[0] in "qr")
        trials.append(Trial(values, -abs(scale(values["x"]) - scale(best))))
    metrics = [trial.metric or 0.0 for trial in trials]
    assert sum(metrics[-20:]) / 20 > sum(metrics[:10]) / 10 * 0.6
    assert sampler.sample(60, trials) != sampler.sample(60)


@pytest.mark.parametrize("bound", [-11.5, -4.6])
def test_bayesian_sampling_learns_from_values_at_the_bounds_of_a_logarithm(bound: float) -> None:
    sampler = _make(BAYESIAN, {"x": build_expression("loguniform", [-11.5, -4.6])})
    outside = [Trial({"x": value}, 1.0) for value in (math.exp(bound * 1.5), math.exp(-1), 0, -1, "a", None)]
    assert sampler.sample(20, outside) == sampler.sample(20)
    near = [Trial({"x": math.exp(bound)}, 1.0) for _ in range(12)]
    far = [Trial({"x": math.exp(-8)}, 0.0) for _ in range(12)]
    assert abs(math.log(sampler.sample(20, near + far)["x"]) - bound) < 2


def test_trials_that_ended_without_a_number_teach_bayesian_sampling_nothing() -> None:
    sampler = _make(BAYESIAN, BAYESIAN_SPACE)
    trials = [Trial(sampler.sample(number), float(number)) for number in range(12)]
    nothing = [Trial(trials[0].values, None), Trial(trials[0].values, float("nan"))]
    assert sampler.sample(14, [*trials, *nothing]) == sampler.sample(14, trials)


def test_bayesian_sampling_without_optuna_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "optuna", raising=False)
    with pytest.raises(ProgramNotFound, match="optuna") as caught:
        check_optuna()
    assert "mlrun-cli[sweep]" in str(caught.value.hint)


def test_optuna_is_loaded_for_bayesian_sampling_alone() -> None:
    program = (
        "import sys; from mlrun_cli.sweeps.sampling import *; from mlrun_cli.sweeps import bayesian_sampling\n"
        "from mlrun_cli.sweeps.expressions import build_expression; from mlrun_cli.metrics.goal import Goal\n"
        "space = {'a': build_expression('choice', [[1, 2]])}\n"
        "for method in (SamplingMethod.RANDOM, SamplingMethod.GRID):\n"
        "    Sampling(method, space, 1).create_sampler(Goal.MAXIMIZE).sample(0)\n"
        "assert not {'optuna', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_random_sampler_needs_a_seed() -> None:
    with pytest.raises(ValueError, match="seed"):
        Sampling(RANDOM, FINITE).create_sampler(Goal.MAXIMIZE)


def test_bayesian_sampling_leaves_out_results_of_another_space() -> None:
    space = {"--lr": ["uniform", [0.1, 1.0]], "--kind": ["choice", [["a", "b"]]]}
    document = {"name": "BayesianOptimization", "parameter_space": space}
    sampler = sampling_from_json({**document, "properties": {"seed": 3}}).create_sampler(Goal.MINIMIZE)
    others: list[dict[str, Any]] = [{}, {"--lr": 5.0, "--kind": "a"}, {"--lr": 0.5, "--kind": "c"}, {"--depth": 3}]
    trials = [Trial(values, metric=1.0) for values in others]
    assert sampler.sample(0, trials) == sampler.sample(0)
