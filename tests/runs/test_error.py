from __future__ import annotations

from mlrun_cli.runs.error import EndReason, build_error_from_log, build_run_error
from mlrun_cli.wire.run_error import get_error_message, get_exception_name, get_inner_error_code

TRACE = """Traceback (most recent call last):
  File "train.py", line 2, in <module>
    f()
  File "train.py", line 1, in f
    raise ValueError("bad data")
ValueError: bad data"""


def test_the_last_traceback_of_the_log_is_the_error() -> None:
    error = build_error_from_log(
        f"epoch 1\nTraceback (most recent call last):\n  x\nKeyError: 1\nmore\n{TRACE}\nlater output\n", "exit code 1"
    )

    assert error["error"]["debugInfo"] == {
        "type": "ValueError",
        "message": "bad data",
        "stackTrace": f"{TRACE}\nlater output",
    }
    assert (error["error"]["code"], get_error_message(error), get_exception_name(error)) == (
        "UserError",
        "bad data",
        "ValueError",
    )


def test_an_exception_of_a_package_goes_by_its_last_name() -> None:
    error = build_error_from_log(
        "Traceback (most recent call last):\n  x\ntorch.cuda.OutOfMemoryError: no room\n", "exit code 1"
    )

    assert (get_exception_name(error), get_error_message(error)) == ("OutOfMemoryError", "no room")


def test_an_exception_without_a_message_is_its_own() -> None:
    error = build_error_from_log("Traceback (most recent call last):\n  x\nAssertionError\n", "exit code 1")

    assert (get_exception_name(error), get_error_message(error)) == ("AssertionError", "AssertionError")


def test_without_a_traceback_the_error_is_how_it_ended_and_the_last_line() -> None:
    def message(log_tail: str, end: str = "exit code 2", *, is_uncaught: bool = True) -> str | None:
        return get_error_message(build_error_from_log(log_tail, end, is_uncaught=is_uncaught))

    assert message("", "signal SIGKILL") == "The script ended with signal SIGKILL."
    usage = "usage: train.py [-h]\ntrain.py: error: unrecognized arguments: --lr 0.1\n"
    shown = "The script ended with exit code 2. Its last line: train.py: error: unrecognized arguments: --lr 0.1"
    assert message(usage) == message(usage, is_uncaught=False) == shown
    assert message("\x1b[31mno\tdata\x1b[0m\r\n---\n") == "The script ended with exit code 2. Its last line: no data"
    for useless in ("\n \n", "---\n", f"{'a' * 501}\n", "\x07bell\n"):
        assert message(useless) == "The script ended with exit code 2."
    assert message(f"{TRACE}\nlater output\n", is_uncaught=False) == "The script ended with exit code 2."


def test_what_is_no_error_has_no_message() -> None:
    assert get_error_message(None) is None
    assert get_exception_name({"error": "text"}) is None


def test_what_ended_a_run_other_than_its_script_is_the_code_of_the_inner_error() -> None:
    error = build_run_error("It was stopped.", reason=EndReason.TIME_LIMIT_REACHED)

    assert error["error"]["innerError"] == {"code": "TimeLimitReached"}
    assert (get_inner_error_code(error), get_exception_name(error)) == ("TimeLimitReached", None)
    assert "innerError" not in build_error_from_log("", "exit code 1")["error"]


def test_a_syntax_error_of_the_script_itself_is_found_too() -> None:
    shown = '  File "train.py", line 3\n    def f(:\n          ^\nSyntaxError: invalid syntax'

    error = build_error_from_log(f"before\n{shown}\n", "exit code 1")

    assert (get_exception_name(error), get_error_message(error)) == ("SyntaxError", "invalid syntax")
    assert error["error"]["debugInfo"]["stackTrace"] == shown


def test_all_lines_of_a_long_message_are_in_the_stack_trace() -> None:
    error = build_error_from_log(
        "Traceback (most recent call last):\n  x\nValueError: first\nsecond\n  third\n", "exit code 1"
    )

    assert get_error_message(error) == "first"
    assert error["error"]["debugInfo"]["stackTrace"].endswith("ValueError: first\nsecond\n  third")
