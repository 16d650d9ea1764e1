from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.parameters import Parameter, get_definition_parameters, get_parameter_values, parse_arguments

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(lambda name: not name.startswith("arg"))
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        (["--lr", "0.1", "--name=x=y"], {"lr": 0.1, "name": "x=y"}),
        (["-b", "32", "-j8", "-O", "-v1.0.2"], {"b": 32, "j": 8, "O": "true", "v1.0.2": "true"}),
        (["--lr", "-0.1", "--shift", "-1e-3", "-5"], {"lr": -0.1, "shift": "-1e-3 -5"}),
        (
            ["--cuda", "--no-shuffle", "--no-cuda", "--no-repeat", "3"],
            {"cuda": "false", "shuffle": "false", "no-repeat": 3},
        ),
        (["--layers", "64", "32", "data.csv", "8"], {"layers": "64 32", "arg1": "data.csv", "arg2": 8}),
        (["--classes", "cat", "dog"], {"classes": "cat", "arg1": "dog"}),
        (
            ["out.ipynb", "-p", "lr", "-0.1", "-p", "name", "a b", "-k", "python3"],
            {"arg1": "out.ipynb", "lr": -0.1, "name": "a b", "k": "python3"},
        ),
        (["-p", "lr", "0.1", "-p", "lr=0.2"], {"p": "true", "arg1": 0.1, "lr": 0.2}),
        (["-p", "lr", "0.1", "data.csv", "-p", "b", "2"], {"p": "b", "arg1": 0.1, "arg2": "data.csv", "arg3": 2}),
        (
            ["lr=0.1", "+a.b=c", "++seed=7", "db/engine=inno", "a@b=c", "~x"],
            {"lr": 0.1, "a.b": "c", "seed": 7, "db/engine": "inno", "a@b": "c", "arg1": "~x"},
        ),
        (["-m", "lr=0.1,0.2", "--set", "x=1"], {"m": "true", "lr": "0.1,0.2", "set": "true", "x": 1}),
        (["-m", "~x", "--multirun", "~a.b=c"], {"m": "true", "arg1": "~x", "multirun": "true", "arg2": "~a.b=c"}),
        (
            ["--home", "~/data", "--here", "~me/data", "--tilde", "~"],
            {"home": "~/data", "here": "~me/data", "tilde": "~"},
        ),
        (["--hash", "c2V0dGluZw==", "--salt", "c2V0="], {"hash": "c2V0dGluZw==", "salt": "c2V0="}),
        (
            ["data/year=2020/part.csv", "https://x.org/?a=b"],
            {"arg1": "data/year=2020/part.csv", "arg2": "https://x.org/?a=b"},
        ),
        (["--lr", "0.1", "--lr=0.2", "lr=0.3"], {"lr": 0.3}),
        (["--fast", "--", "--slow", "lr=1"], {"fast": "true", "arg1": "--slow", "lr": 1}),
        (
            ["--id", "007", "--x", "nan", "--y", "inf", "--z", "1e999", "--n", "+3"],
            {"id": "007", "x": "nan", "y": "inf", "z": "1e999", "n": 3},
        ),
        (["--text", "two words", "--empty", "", "-"], {"text": "two words", "empty": "", "arg1": "-"}),
        (
            ["--data", "DatasetConsumptionConfig:train", "$AZUREML_DATAREFERENCE_x"],
            {"data": "DatasetConsumptionConfig:train", "arg1": "$AZUREML_DATAREFERENCE_x"},
        ),
        ([], {}),
    ],
)
def test_arguments_are_read_as_named_numbers_and_texts(arguments: Sequence[str], values: Mapping[str, object]) -> None:
    assert get_parameter_values(parse_arguments(arguments)) == values


@pytest.mark.parametrize(
    ("command", "values"),
    [
        ("LR=1 python -u train.py --lr 0.1 'a b' > out.txt", {"lr": 0.1, "arg1": "a b"}),
        (
            "cd src && python -m pack.train --lr 0.1 --data ${{inputs.x}}; echo done",
            {"lr": 0.1, "data": "${{inputs.x}}"},
        ),
        (["torchrun", "--nproc", "2", "train.py", "--lr", "0.1"], {"lr": 0.1}),
        ("train --lr 0.1 && echo done", {"lr": 0.1}),
        ("cd src && export A=1 && LR=1 train --lr 0.1 | tee log", {"lr": 0.1}),
        ("cd src; echo done", {}),
        ("echo 'open", {}),
    ],
)
def test_commands_are_read_after_their_script(command: object, values: Mapping[str, object]) -> None:
    assert get_parameter_values(get_definition_parameters({"arguments": [], "command": command})) == values


def test_a_secret_stays_hidden() -> None:
    arguments = Redactor().redact_arguments(
        ["--password", "hunter2", "--api-key=hunter2", "TOKEN=hunter2", "--lr", "1"]
    )
    assert get_parameter_values(get_definition_parameters({"arguments": arguments})) == {
        "password": "***",
        "api-key": "***",
        "TOKEN": "***",
        "lr": 1,
    }


@settings(deadline=None)
@given(st.dictionaries(NAMES, NUMBERS, max_size=5), st.sampled_from(["--{}={}", "{}={}", "--{} {}"]))
def test_numbers_are_read_as_they_were(values: Mapping[str, float], form: str) -> None:
    arguments = [word for name, value in values.items() for word in form.format(name, value).split(" ")]
    assert get_parameter_values(parse_arguments(arguments)) == values


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), max_size=20))
def test_no_word_is_lost_and_every_number_is_finite(arguments: list[str]) -> None:
    found = parse_arguments(arguments)
    assert all(parameter.number is None or math.isfinite(parameter.number) for parameter in found.values())
    assert bool(found) == any(word != "--" for word in arguments) or arguments.count("--") > 1
    assert all(isinstance(parameter, Parameter) and parameter.text.encode() is not None for parameter in found.values())


def test_flags_that_arguments_leave_out_are_false_and_their_negations_true() -> None:
    left_out = ["--fp16", "-v", "--no-aug", "named_by_version_0.1", "--resume"]
    definition = {"arguments": ["--resume"], "absentFlags": left_out}
    texts = {name: parameter.text for name, parameter in get_definition_parameters(definition).items()}
    assert texts == {"fp16": "false", "v": "false", "aug": "true", "named_by_version_0.1": "false", "resume": "true"}
