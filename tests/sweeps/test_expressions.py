from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from statistics import NormalDist
from typing import Any

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.sweeps.arguments import add_values_to_arguments, add_values_to_command, build_arguments
from mlrun_cli.sweeps.expression_text import parse_expression, parse_parameter
from mlrun_cli.sweeps.expressions import Expression, build_expression, expression_from_json

SAMPLES = 20_000
_CRITICAL = 1.95  # of the statistic of Kolmogorov and Smirnov times the root of the number of samples, for 0.1 %

Distribution = Callable[[float], float]


def _sample(expression: Expression, seed: int) -> list[Any]:
    generator = Random(seed)
    return [expression.sample(generator) for _ in range(SAMPLES)]


def _get_largest_distance(values: Sequence[float], distribution: Distribution) -> float:
    """The statistic of Kolmogorov and Smirnov."""
    expected = [distribution(value) for value in sorted(values)]
    count = len(expected)
    return max(max((at + 1) / count - share, share - at / count) for at, share in enumerate(expected))


def _uniform(low: float, high: float) -> Distribution:
    return lambda value: min(max((value - low) / (high - low), 0.0), 1.0)


_NORMAL = NormalDist(3, 2).cdf
CONTINUOUS: list[tuple[str, list[float], Distribution]] = [
    ("uniform", [-1, 3], _uniform(-1, 3)),
    ("loguniform", [-6, 2], lambda value: _uniform(-6, 2)(math.log(value))),
    ("normal", [3, 2], _NORMAL),
    ("lognormal", [3, 2], lambda value: _NORMAL(math.log(value))),
]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("name", "arguments", "distribution"), CONTINUOUS, ids=[one[0] for one in CONTINUOUS])
def test_continuous_values_are_distributed_as_the_name_says(
    name: str, arguments: list[float], distribution: Distribution, seed: int
) -> None:
    values = _sample(build_expression(name, arguments), seed)
    assert _get_largest_distance(values, distribution) * math.sqrt(SAMPLES) < _CRITICAL


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("step", [1, 3, -1])
@pytest.mark.parametrize(("name", "arguments", "distribution"), CONTINUOUS, ids=[one[0] for one in CONTINUOUS])
def test_values_of_q_forms_are_multiples_as_frequent_as_what_is_rounded_to_them(
    name: str, arguments: list[float], distribution: Distribution, step: int, seed: int
) -> None:
    values = _sample(build_expression(f"q{name}", [*arguments, step]), seed)
    assert all(isinstance(value, int) and value % step == 0 for value in values)

    counts = Counter(values)
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        bound = value + abs(step) / 2
        expected = distribution(bound) if bound > 0 or "log" not in name else 0.0
        assert abs(seen / SAMPLES - expected) * math.sqrt(SAMPLES) < _CRITICAL


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("expression", [build_expression("choice", [["a", None, 7]]), build_expression("randint", [5])])
def test_discrete_values_are_equally_frequent(expression: Expression, seed: int) -> None:
    counts = Counter(_sample(expression, seed))
    size = expression.size
    assert size is not None
    assert set(counts) == {expression.get_value(index) for index in range(size)}
    expected = SAMPLES / size
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 20


def test_values_are_the_same_on_every_machine() -> None:
    generator = Random("seed")
    expressions: list[tuple[str, list[Any]]] = [
        ("choice", [[1, 2, 3]]),
        ("randint", [1000]),
        ("uniform", [0, 1]),
        ("quniform", [0, 1000, 10]),
        ("loguniform", [-7, 0]),
        ("qloguniform", [0, 7, 2]),
        ("normal", [0, 1]),
        ("qnormal", [0, 100, 5]),
        ("lognormal", [0, 1]),
        ("qlognormal", [5, 1, 1]),
    ]
    sampled = [build_expression(name, arguments).sample(generator) for name, arguments in expressions]
    floats = {2: 0.28626507136857027, 4: 0.7870622215613178, 6: -1.3461343135902875, 8: 2.425424528407959}
    assert {index: sampled[index] for index in floats} == pytest.approx(floats)
    assert [value for value in sampled if isinstance(value, int)] == [1, 347, 40, 162, 20, 188]


@pytest.mark.parametrize("name", ["uniform", "loguniform", "normal", "lognormal"])
def test_extreme_arguments_give_numbers(name: str) -> None:
    arguments = [-700, 709] if name == "loguniform" else [-1e308, 1e308]
    assert all(math.isfinite(value) for value in _sample(build_expression(name, arguments), 0)[:1000])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Choice", [[1]]),
        ("choice", []),
        ("choice", [[]]),
        ("choice", [[1], [2]]),
        ("choice", [1, [2]]),
        ("randint", []),
        ("randint", [0]),
        ("randint", [2.0]),
        ("randint", [True]),
        ("uniform", [1, 1]),
        ("uniform", [2, 1]),
        ("uniform", ["0", "1"]),
        ("uniform", [0, math.nan]),
        ("uniform", [0, math.inf]),
        ("uniform", [0, 1, 2]),
        ("quniform", [0, 1]),
        ("quniform", [0, 1, 0.1]),
        ("quniform", [0, 1, 0]),
        ("loguniform", [1, 0]),
        ("loguniform", [0, 1000]),
        ("qloguniform", [0, 1, 1.5]),
        ("normal", [0, -1]),
        ("qnormal", [0, 1, "1"]),
        ("lognormal", [None, 1]),
        ("qlognormal", [0, 1]),
    ],
)
def test_arguments_that_azure_refuses_or_nothing_can_be_sampled_from_are_refused(
    name: str, arguments: list[Any]
) -> None:
    with pytest.raises(InvalidValue) as caught:
        build_expression(name, arguments)
    assert caught.value.hint
    with pytest.raises(InvalidValue):
        expression_from_json([name, arguments])


@pytest.mark.parametrize("document", [5, [1, 2], "choice", None, {}, ["choice", 1], [["choice"], [1]]])
def test_what_is_no_expression_is_refused(document: object) -> None:
    with pytest.raises(InvalidValue, match="is not an expression"):
        expression_from_json(document)


@pytest.mark.parametrize(
    "document",
    [
        ["choice", [[1, "a", None, True, [1, 2], {"a": 1}]]],
        ["choice", [[[1, 2]]]],
        ["randint", [5]],
        ["uniform", [0, 1]],
        ["quniform", [0, 1, -1]],
        ["loguniform", [-1, -1]],
        ["normal", [0, 0]],
    ],
)
def test_expressions_of_azure_are_kept(document: list[Any]) -> None:
    assert expression_from_json(document).to_json() == document


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("0.05,0.1", ["choice", [[0.05, 0.1]]]),
        (" 1, -2 ,1e-5,+.5,1_000,a b,0x10", ["choice", [[1, -2, 1e-5, "+.5", "1_000", "a b", "0x10"]]]),
        ("""'a,b',"c\\"d",'1',\"\"""", ["choice", [["a,b", 'c"d', "1", ""]]]),
        ("relu", ["choice", [["relu"]]]),
        ("007,0,0.5,1.0,.5", ["choice", [["007", 0, 0.5, 1.0, 0.5]]]),
        ("3.9,3.10,1.50e3,-0.20", ["choice", [[3.9, "3.10", "1.50e3", "-0.20"]]]),
        ("0.1234567890123456789,12345678901234567890", ["choice", [["0.1234567890123456789", 12345678901234567890]]]),
        ("[64,32],[8]", ["choice", [["[64,32]", "[8]"]]]),
        ('{"a":1,"b":2},[1', ["choice", [['{"a":1,"b":2}', "[1"]]]),
        ("choice(01,2)", ["choice", [["01", 2]]]),
        ("true,None,nan", ["choice", [["true", "None", "nan"]]]),
        ("'uniform(0',f(x", ["choice", [["uniform(0", "f(x"]]]),
        ("choice(1, 'x(y)')", ["choice", [[1, "x(y)"]]]),
        ("randint(5)", ["randint", [5]]),
        ("uniform( 0 , 1.5 )", ["uniform", [0, 1.5]]),
        ("quniform(1,9,2)", ["quniform", [1, 9, 2]]),
        ("loguniform(1e-5,1e-2)", ["loguniform", [math.log(1e-5), math.log(1e-2)]]),
        ("qloguniform(1,100,2)", ["qloguniform", [0, math.log(100), 2]]),
        ("lognormal(0,1)", ["lognormal", [0, 1]]),
    ],
)
def test_expressions_of_a_command_line(text: str, document: list[Any]) -> None:
    assert parse_expression(text).to_json() == document
    assert parse_parameter(f"lr={text}")[0] == "lr"


@pytest.mark.parametrize(
    "text",
    [
        "lr",
        "=1",
        "lr=",
        "lr= ",
        "lr=1,",
        "lr=1,,2",
        "lr='a,b",
        "lr=a'b'",
        "lr='a'b",
        "lr=unifrom(0,1)",
        "lr=Uniform(0,1)",
        "lr=uniform()",
        "lr=uniform(0)",
        "lr=uniform(a,b)",
        "lr=loguniform(0,1)",
        "lr=loguniform(-6,-1)",
        "lr=loguniform(a,1)",
        "lr=loguniform(1)",
        "lr=__import__('os')",
        "lr=choice()",
        "lr=uniform(0,1",
        "lr= loguniform (1e-5,1e-2) x",
        "lr=choice(1,2",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_parameter(text)
    assert caught.value.hint


def test_arguments_of_a_script() -> None:
    values = {"lr": 1e-05, "--depth": 3, "-c": 0.1, "layers": [1, 2], "name": "a b", "flag": True, "none": None}
    words = "--lr 1e-05 --depth 3 -c 0.1 --layers [1,_2] --name a_b --flag True --none None"
    assert build_arguments(values) == [word.replace("_", " ") for word in words.split()]


@pytest.mark.parametrize(
    ("words", "added"),
    [
        ("", "--lr 0.1 --opt adam"),
        ("--depth 3", "--depth 3 --lr 0.1 --opt adam"),
        ("fit --depth=3", "fit --depth=3 --lr 0.1 --opt adam"),
        ("model=small", "model=small --lr 0.1 --opt adam"),
        ("fit lr=5 opt=b lr=6", "fit lr=5 opt=adam lr=0.1"),
        ("lr=5 --fast", "lr=0.1 --fast --opt adam"),
        ("--lr {lr} run_{opt} {other}", "--lr 0.1 run_adam {other}"),
        ("optim.lr={lr} opt={opt}", "optim.lr=0.1 opt=adam"),
    ],
)
def test_values_are_added_to_arguments_as_the_script_reads_them(words: str, added: str) -> None:
    values = {"lr": 0.1, "opt": "adam"}

    assert add_values_to_arguments(words.split(), values) == added.split()
    command = ("python", "-m", "train", *words.split())
    assert add_values_to_command(command, values) == ("python", "-m", "train", *added.split())


def test_a_flag_is_its_option_or_nothing() -> None:
    on, off = {"fp16": True, "-v": False}, {"fp16": False, "-v": True}
    flags = ("fp16", "-v")
    assert add_values_to_arguments(["--lr", "1"], on, flags) == ["--lr", "1", "--fp16"]
    assert add_values_to_arguments(["--lr", "1"], off, flags) == ["--lr", "1", "-v"]
    assert add_values_to_arguments(["{fp16}", "data"], on, flags) == ["--fp16", "data"]
    assert add_values_to_arguments([], {"v": True}, ["v"]) == ["-v"]
    assert add_values_to_arguments(["{fp16}", "data"], off, flags) == ["data", "-v"]
    assert add_values_to_command(("run", "{fp16}", "train.py"), off, flags) == ("run", "train.py", "-v")
    text = "train {fp16} {-v} && test"
    assert add_values_to_command(text, on, flags) == "train --fp16  && test"
    assert add_values_to_arguments(["fp16=1"], {"fp16": True}) == ["fp16=True"], "values of --grid and files are words"


def test_names_of_hydra_stay_as_they_are() -> None:
    arguments = ["--config-name", "a"]
    assert add_values_to_arguments(arguments, {"+optim.lr": 0.1}) == [*arguments, "+optim.lr=0.1"]


def test_a_value_is_one_word_for_a_shell() -> None:
    text = "prepare && train {name} --lr={lr}"
    assert add_values_to_command(text, {"name": "a b; c", "lr": 1}) == "prepare && train 'a b; c' --lr=1"
    assert add_values_to_command(("./{name}", "x"), {"name": "a b"}) == ("./a b", "x")
