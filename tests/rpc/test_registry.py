"""Requests from any client: what does not fit a handler's signature is refused in words before the handler sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.errors import BadRequest
from mlrun_cli.rpc.argument_types import compile_type
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.dispatch import dispatch
from mlrun_cli.rpc.protocol import Request, decode_request
from mlrun_cli.rpc.registry import Handler, list_handlers
from mlrun_cli.workspace_locator import WorkspaceIdentity

IDENTITY = WorkspaceIdentity("sub", "group", "name")


@pytest.fixture
def context(tmp_path: Path) -> RequestContext:
    return RequestContext(tmp_path, lambda _: "sessions/test")


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        (str, ["", "a"], [None, 1, ["a"]]),
        (int, [0, -1], [None, True, 1.0, "1"]),
        (bool, [True, 1], [None, "yes", 1.0]),
        (float, [1, 1.5], [None, True, "1"]),
        (Any, [None, 1, {}], []),
        (str | None, [None, "a"], [1]),
        (str | int, ["a", 1], [None, True]),
        (Sequence[str], [[], ["a"], ("a",)], ["a", None, [1], {"a": 1}]),
        (list[int] | None, [None, [1]], [["a"], {}]),
        (Mapping[str, str | None], [{}, {"a": None}], [None, [], {"a": 1}, {1: "a"}]),
        (dict[str, Sequence[int]], [{"a": [1]}], [{"a": 1}, {"a": [True]}]),
    ],
)
def test_a_type_accepts_json_values_of_it_alone(
    annotation: object, good: Sequence[object], bad: Sequence[object]
) -> None:
    accepts = compile_type(annotation).accepts
    assert [value for value in good if not accepts(value)] == []
    assert [value for value in bad if accepts(value)] == []


@pytest.mark.parametrize(
    ("annotation", "noun"),
    [
        (str | None, "a string or None"),
        (Sequence[str | int], "a list of strings or integers"),
        (Mapping[str, Sequence[float]], "a dict of lists of numbers"),
    ],
)
def test_a_type_says_what_it_is(annotation: object, noun: str) -> None:
    assert compile_type(annotation).noun == noun


def test_a_handler_of_no_json_type_cannot_be_made() -> None:
    def handle(context: RequestContext, path: Path) -> None:
        raise NotImplementedError

    def forget(context: RequestContext, path) -> None:  # type: ignore[no-untyped-def]
        raise NotImplementedError

    for function in (handle, forget):
        with pytest.raises(TypeError, match="JSON"):
            Handler("a.b", function)


@pytest.mark.parametrize(
    ("call", "arguments", "facts"),
    [
        ("runs.get", {}, ["runs.get", "run_id"]),
        ("runs.get", {"run_id": None}, ["run_id", "a string", "None"]),
        ("runs.get", {"run_id": "a", "colour": 1}, ["runs.get", "colour"]),
        ("runs.list", {"limit": "many"}, ["limit", "an integer", "'many'"]),
        ("runs.list", {"limit": 1, "tags": {"a": 1}}, ["tags", "a dict of strings or None"]),
        ("runs.grow", {}, ["runs.grow"]),
        ("os.system", {}, ["os.system"]),
        ("", {}, ["no call"]),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    context: RequestContext, call: str, arguments: dict[str, Any], facts: Sequence[str]
) -> None:
    error = dispatch(context, Request(call, IDENTITY, arguments))["error"]
    assert error["type"] == "UserErrorException"
    assert [fact for fact in facts if fact not in error["message"]] == []
    assert "TypeError" not in error["message"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"call": 1}',
        b'{"call": "runs.get", "arguments": []}',
        b'{"call": "runs.get", "workspace": "abc"}',
        b'{"call": "runs.get", "workspace": ["a", "b", null]}',
        b'{"call": "runs.get", "workspace": ["a", "b"]}',
    ],
)
def test_a_line_that_is_no_request_is_refused(line: bytes) -> None:
    with pytest.raises(BadRequest):
        decode_request(line)


def test_calls_and_their_arguments_stay_for_older_clients() -> None:
    """Running scripts speak the protocol of the version that they were submitted with.

    A call may be added here, and an argument with a default; none may go, nor lose its default.
    """
    contract = json.loads((Path(__file__).parent / "protocol.json").read_text(encoding="utf-8"))
    actual = {
        each.call: {"required": list(each.required), "optional": sorted(each.types.keys() - set(each.required))}
        for each in list_handlers()
    }
    assert actual == contract
