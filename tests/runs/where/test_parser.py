from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun_cli.errors import InvalidFilter
from mlrun_cli.runs.order import METRIC, PARAMETER, PROPERTY, TAG
from mlrun_cli.runs.where.column_choice import ColumnChoice, parse_metric_choice, parse_parameter_choice
from mlrun_cli.runs.where.condition import AllOf, AnyOf, Condition, Literal, Negation, Predicate
from mlrun_cli.runs.where.parser import parse_condition
from mlrun_cli.runs.where.value_name import FIELD, FIELDS, PLAIN, ValueName

NOW = 1_800_000_000_000_000
DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("rmse<0.3", "rmse < 0.3"),
        ("a == 1 AND b <> 2", "a = 1 and b != 2"),
        ("a = 1 or b = 2 and not c = 3", "a = 1 or b = 2 and not c = 3"),
        ("(a = 1 or b = 2) and c = 3", "(a = 1 or b = 2) and c = 3"),
        ("((a = 1))", "a = 1"),
        ("not (a = 1 and b = 2)", "not (a = 1 and b = 2)"),
        ("params.lr >= 1e-3 and metrics.`my loss` < 1", 'param.lr >= 1e-3 and metric."my loss" < 1'),
        ("tags.team != 'it\\'s' and tag.keep", 'tag.team != "it\'s" and tag.keep'),
        ("Max(acc)>.9 and last(acc) > .5", "max(acc) > .9 and metric.acc > .5"),
        ("min(metric.loss) < 1", "min(loss) < 1"),
        ("name ~ net and user = me", "display_name ~ net and submitter = me"),
        ("status in (failed, Canceled) and x not in (1,'b c')", 'status in (failed, Canceled) and not x in (1, "b c")'),
        ('"status" = 1 and "tag.x" = 2 and "and" = 3', '"status" = 1 and "tag.x" = 2 and "and" = 3'),
        ("model.depth = 3 and val/loss < 1 and path = C:\\x", "model.depth = 3 and val/loss < 1 and path = C:\\x"),
        ("max(duration) > 1 and max('tag.x') > 1", 'max("duration") > 1 and max("tag.x") > 1'),
    ],
)
def test_a_condition_is_printed_as_it_is_read(text: str, printed: str) -> None:
    condition = parse_condition(text, NOW)

    assert str(condition) == printed
    assert parse_condition(printed, NOW) == condition


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("lr = 0.10", ValueName(PLAIN, "lr"), (0.1,)),
        ("params.lr = '0.1'", ValueName(PARAMETER, "lr"), (0.1,)),
        ("optimizer = adam", ValueName(PLAIN, "optimizer"), ("adam",)),
        ("param.name = 5", ValueName(PARAMETER, "name"), (5.0,)),
        ("metric.lr < inf", ValueName(METRIC, "lr"), (float("inf"),)),
        ("tag.version = 1.0", ValueName(TAG, "version"), ("1.0",)),
        ("tag.version < 2", ValueName(TAG, "version"), (2.0,)),
        ('property."a b" ~ 3', ValueName(PROPERTY, "a b"), ("3",)),
        ("status = running", ValueName(FIELD, "status"), ("Running",)),
        ("started > 2d", ValueName(FIELD, "started"), (NOW - 2 * DAY, NOW - 2 * DAY)),
        ("created <= 1970-01-02", ValueName(FIELD, "created"), (DAY, 2 * DAY)),
        ("duration > 1.5h", ValueName(FIELD, "duration"), (5400,)),
        ("run_number in (1, 2)", ValueName(FIELD, "run_number"), (1, 2)),
    ],
)
def test_values_are_read_as_the_kind_of_the_name(text: str, name: ValueName, values: tuple[object, ...]) -> None:
    condition = parse_condition(text, NOW)

    assert isinstance(condition, Predicate)
    assert (condition.name, condition.values) == (name, values)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("rmse < 0.3 and", 15),
        ("rmse < 0.3 and and", 16),
        ("rmse 0.3", 6),
        ("rmse", 5),
        ("rmse <", 7),
        ("a = 1 && b = 2", 7),
        ("a = 1, b = 2", 6),
        ("tag.quality = fantastic run", 25),
        ("tag. = 1", 5),
        ("(a = 1", 1),
        ("(a = 1 b = 2)", 8),
        ("a = 1)", 6),
        ("a ! 1", 3),
        ("name = it's", 10),
        ("avg(x) > 1", 1),
        ("max(tag.x) > 1", 5),
        ("max(x > 1", 7),
        ("status = faild", 10),
        ("status in (failed, faild)", 20),
        ("status < failed", 8),
        ("name < b", 6),
        ("created > banana", 11),
        ("duration > 1y", 12),
        ("metric.loss = low", 15),
        ("metric.loss < nan", 15),
        ("metric.loss ~ 1", 13),
        ("exit_code = one", 13),
        ("x not 3", 7),
        ("x in 3", 6),
        ("x in (3", 6),
        ("x in ()", 7),
        ("'' = 3", 1),
        ("(" * 40 + "a = 1" + ")" * 40, 31),
    ],
)
def test_an_error_points_at_the_place(text: str, column: int) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_condition(text, NOW)

    first, shown, caret = caught.value.message.split("\n")
    assert first.endswith(f", at column {column}:")
    assert caret.index("^") == column + 1
    assert shown[2:].startswith(text[:70])


def test_the_place_is_shown_in_a_long_text_with_wide_characters() -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_condition("a = 1 and " * 20 + "損失 = 1 2", NOW)

    _, shown, caret = caught.value.message.split("\n")
    assert shown.startswith("  …")
    assert shown.index("2") + 2 == caret.index("^")  # each of the two letters is two columns wide


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5).filter(str.strip) | st.sampled_from(
    ["lr", "status", "and", "tag.x", "name", "max"]
)
KINDS = st.sampled_from([PLAIN, METRIC, PARAMETER, TAG, PROPERTY])
PLACES = st.tuples(KINDS, NAMES).map(lambda parts: ValueName(*parts))
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(["in", "1", "2d", "failed"])
).map(lambda text: Literal(text, is_quoted=True))
PREDICATES = st.one_of(
    st.builds("{} {} {}".format, PLACES, st.sampled_from(["=", "!="]), TEXTS)
    .filter(lambda text: not text.startswith("metric."))
    .map(lambda text: parse_condition(text, NOW)),
    st.builds("{} {} {}".format, PLACES, st.sampled_from(["<", ">="]), st.integers() | st.floats(allow_nan=False)).map(
        lambda text: parse_condition(text.replace("inf", "1e308"), NOW)
    ),
    st.builds("max({}) in (1, 2)".format, NAMES.map(lambda name: Literal(name, is_quoted=True))).map(
        lambda text: parse_condition(text, NOW)
    ),
    st.sampled_from(["tag.x", "status in (failed, active)", "started > 2d", "name ~ b", "duration <= 90"]).map(
        lambda text: parse_condition(text, NOW)
    ),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    PREDICATES,
    lambda inner: st.one_of(
        inner.map(Negation),
        st.lists(inner.filter(lambda each: not isinstance(each, AllOf)), min_size=2, max_size=3).map(
            lambda parts: AllOf(tuple(parts))
        ),
        st.lists(inner.filter(lambda each: not isinstance(each, AnyOf)), min_size=2, max_size=3).map(
            lambda parts: AnyOf(tuple(parts))
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(CONDITIONS)
def test_a_printed_condition_is_parsed_to_the_same(condition: Condition) -> None:
    assert parse_condition(str(condition), NOW) == condition


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("a1 .=<!~()'\"`,\\") | st.characters(exclude_categories=["Cs"]), max_size=12))
def test_any_text_is_a_condition_or_an_invalid_filter(text: str) -> None:
    try:
        condition = parse_condition(text, NOW)
    except InvalidFilter as error:
        assert error.message.count("\n") == 2
    else:
        assert parse_condition(str(condition), NOW) == condition


def test_columns_are_names_or_a_word() -> None:
    assert parse_metric_choice("all") == ColumnChoice("all")
    assert parse_metric_choice("best") == ColumnChoice("best")
    assert parse_parameter_choice(" differing ") == ColumnChoice("differing")
    names = parse_metric_choice('max(acc), name,"val, loss",metric.x').names
    assert names == [
        ValueName(METRIC, "acc", "max"),
        *(ValueName(METRIC, name) for name in ("name", "val, loss", "x")),
    ]
    assert parse_parameter_choice("best").names == [ValueName(PARAMETER, "best")]


@pytest.mark.parametrize("text", ["", "a,", "a b", "tag.x", "param.lr", "avg(x)", "max(x"])
def test_a_choice_of_metrics_names_metrics(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_metric_choice(text)


def test_each_field_can_be_compared() -> None:
    values = {"status": "failed", "text": "x", "number": "1", "time": "1d", "duration": "1h"}
    for field, kind in FIELDS.items():
        assert str(parse_condition(f"{field} = {values[kind]}", NOW)) == f"{field} = {values[kind]}"
