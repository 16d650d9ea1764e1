"""Errors of requests have the exception that `azureml` has for them, and a code."""

from __future__ import annotations

from mlrun_cli.errors import ModelNotFound, NotFound, RunNotFound, SnapshotTooLarge
from mlrun_cli.rpc.protocol import build_error_response


def test_an_error_has_the_type_that_old_scripts_know_and_a_code() -> None:
    for error, kind in (
        (RunNotFound("x_1"), "UserErrorException"),
        (SnapshotTooLarge("large"), "UserErrorException"),
        (ModelNotFound("gone"), "ModelNotFoundException"),
        (NotFound("gone"), "UserErrorException"),
    ):
        response = build_error_response(error)["error"]
        assert (response["type"], response["code"]) == (kind, type(error).__name__)


def test_what_is_no_error_of_mlrun_has_no_code() -> None:
    assert build_error_response(KeyError("x"))["error"].keys() == {"type", "message"}
