from __future__ import annotations

import errno
import math
import os
from typing import TYPE_CHECKING

import pytest

from tests.sdk.driving import PYTHONS

if TYPE_CHECKING:
    from tests.sdk.conftest import StubServer, SubmittedRun

_ASK = """
from azureml.exceptions import AzureMLException
def said(call):
    try:
        return call()
    except AzureMLException as error:
        return type(error).__name__ + ": " + str(error)
"""


def test_one_reads_what_one_wrote(submitted: SubmittedRun, server: StubServer) -> None:
    output = submitted.run("""
        print(run.get_metrics())
        run.log("loss", 0.5); run.log("loss", float("inf")); run.log("other", 1)
        print(run.get_metrics())
        print(run.get_metrics(name="loss"))
        run.set_tags({"a": 1, "b": None}); run.remove_tags(["b"])
        print(run.tags, run.get_tags())
        run.add_properties({"size": 3})
        print(run.properties, run.get_properties())
        run.flush()
    """)
    assert output.splitlines() == [
        "{}",
        "{'loss': [0.5, inf], 'other': [1]}",
        "{'loss': [0.5, inf]}",
        "{'a': '1'} {'a': '1'}",
        "{'kind': 'test', 'size': '3'} {'kind': 'test', 'size': '3'}",
    ]
    about = {"workspace": ["sub", "group", "ws"], "arguments": {"run_id": "iris_1_0000abcd"}}
    assert server.requests[-2:] == [{"call": call, **about} for call in ("runs.properties", "runs.flush")]


def test_the_record_answers_for_a_run(submitted: SubmittedRun, server: StubServer) -> None:
    server.responses["runs.details"] = {"result": {"runId": "iris_1_0000abcd", "status": "Running"}}
    output = submitted.run("""
        print(run.id, run.number, run.name, run.display_name, run.type, run.status, run.get_status())
        print(run.experiment.name, run.parent, run.get_details())
        print(run)
    """)
    assert output.splitlines() == [
        "iris_1_0000abcd 7 gentle_pear gentle_pear azureml.scriptrun Running Running",
        "iris None {'runId': 'iris_1_0000abcd', 'status': 'Running'}",
        "Run(Experiment: iris,",
        "Id: iris_1_0000abcd,",
        "Type: azureml.scriptrun,",
        "Status: Running)",
    ]


def test_what_is_said_of_a_parent_goes_to_the_own_journal(submitted: SubmittedRun, server: StubServer) -> None:
    server.responses["runs.parent"] = {"result": {**server.record, "run_id": "iris_0", "run_number": 6}}
    output = submitted.run("""
        parent = run.parent
        parent.log("a", 1)
        print(parent.id, parent.experiment.name, parent == run.parent, parent == run)
    """)
    assert output == "iris_0 iris True False\n"
    ((kind, run_id, line),) = submitted.lines()
    assert (kind, run_id, line[:2]) == (">", "iris_0", ["m", "a"])


def test_an_answer_may_be_an_error_of_the_class_it_names(submitted: SubmittedRun, server: StubServer) -> None:
    server.responses["runs.add_properties"] = {"error": {"type": "UserErrorException", "message": "'a' is 1"}}
    server.responses["runs.tags"] = {"error": {"type": "Strange", "message": "who knows"}}
    output = submitted.run(_ASK + "print(said(lambda: run.add_properties({'a': 2})))\nprint(said(run.get_tags))")
    assert output.splitlines() == ["UserErrorException: 'a' is 1", "AzureMLException: Strange: who knows"]


def test_a_property_without_value_is_left_out(submitted: SubmittedRun, server: StubServer) -> None:
    submitted.run("run.add_properties({'a': None, 'b': 2})")
    assert [request["arguments"]["properties"] for request in server.requests] == [{"b": "2"}]


def test_long_answers_and_nan_arrive_whole(submitted: SubmittedRun, server: StubServer) -> None:
    server.responses["runs.metrics"] = {"result": {"long": ["é" * 1000] * 2000, "nan": math.nan}}
    output = submitted.run("m = run.get_metrics(); print(len(m['long']), set(m['long']) == {'é' * 1000}, m['nan'])")
    assert output == "2000 True nan\n"


def test_one_connection_serves_all_questions_of_a_process(submitted: SubmittedRun, server: StubServer) -> None:
    submitted.run("for _ in range(20): run.get_tags()")
    assert len(server.requests) == 20
    assert len(server.connections) == 1


def test_threads_that_ask_at_once_get_their_own_answers(submitted: SubmittedRun, server: StubServer) -> None:
    output = submitted.run("""
        import threading
        for number in range(8):
            run.log(f"m{number}", number)
        wrong = []
        def work(number):
            for _ in range(50):
                if run.get_metrics(f"m{number}") != {f"m{number}": [number]}:
                    wrong.append(number)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        print(wrong)
    """)
    assert output == "[]\n"
    assert len(server.requests) == 400


@pytest.mark.parametrize("python", PYTHONS, ids=os.path.basename)
def test_a_child_by_fork_asks_on_a_connection_of_its_own(
    submitted: SubmittedRun, server: StubServer, python: str
) -> None:
    code = """
        import os
        run.log("parent", 1)
        assert run.get_metrics() == {"parent": [1]}
        for number in range(2):
            if os.fork() == 0:
                assert run.get_metrics().get("child", []) == [1] * number
                run.log("child", 1)
                assert run.get_metrics("child") == {"child": [1] * (number + 1)}
                os._exit(0)
            assert os.wait()[1] == 0
        assert run.get_metrics() == {"parent": [1], "child": [1, 1]}
    """
    submitted.run(code, python=python)
    assert len(server.connections) == 3


def test_many_processes_connect_through_a_full_queue(submitted: SubmittedRun, server: StubServer) -> None:
    submitted.run("""
        import os
        for _ in range(32):
            if os.fork() == 0:
                run.get_tags()
                os._exit(0)
        assert all(os.wait()[1] == 0 for _ in range(32))
    """)
    assert len(server.requests) == 32


def test_a_question_is_asked_again_when_the_connection_broke(submitted: SubmittedRun, server: StubServer) -> None:
    with submitted.start("run.get_tags(); print('asked', flush=True); input(); print(run.get_status())") as process:
        assert process.stdout is not None
        process.stdout.readline()
        server.close()
        server.listen()
        output, errors = process.communicate("\n", timeout=180)
    assert (output, errors) == ("Running\n", "")


def test_a_supervisor_that_is_gone_is_said_in_words(submitted: SubmittedRun) -> None:
    nobody = submitted.run(_ASK + "print(said(run.get_status)); run.log('a', 1)")
    assert nobody.startswith("ServiceException: The supervisor of this run does not answer (No such file")
    assert len(submitted.lines()) == 1


def test_a_supervisor_that_died_is_said_in_words(submitted: SubmittedRun, server: StubServer) -> None:
    with submitted.start(
        _ASK + "run.get_tags(); print('asked', flush=True); input(); print(said(run.flush))"
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        server.close()
        output, errors = process.communicate("\n", timeout=180)
    assert errors == ""
    assert output.startswith("ServiceException: ") and f"({os.strerror(errno.ECONNREFUSED)})" in output


def test_a_late_answer_is_nobody_elses(submitted: SubmittedRun, server: StubServer) -> None:
    server.may_flush.clear()
    with submitted.start(
        _ASK + "print(said(lambda: run.flush(timeout_seconds=0.05)), flush=True); input(); print(run.get_status())"
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        server.may_flush.set()
        output, errors = process.communicate("\n", timeout=180)
    assert first.startswith("ServiceException: The supervisor of this run did not answer in time")
    assert (output, errors) == ("Running\n", "")


def test_the_socket_is_reached_however_deep_the_run_folder_lies(deep: SubmittedRun) -> None:
    assert deep.run("print(run.get_status())") == "Running\n"
