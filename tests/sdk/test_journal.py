from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sdk.driving import PYTHONS

if TYPE_CHECKING:
    from tests.sdk.conftest import SubmittedRun


def test_every_call_writes_one_line_of_its_shape(submitted: SubmittedRun) -> None:
    submitted.run("""
        run.log("loss", 0.1)
        run.log("loss", 3, step=2)
        run.log("good", True)
        run.log("note", "à\\nb", "what it says")
        run.log_list("all", (n for n in range(3)), "numbers")
        run.log_row("row", x=1, y="z")
        run.log_row("row", "a row", x=2)
        run.log_table("table", {"x": [1, 2], 3: ["four", "five"]})
        run.tag("quality", "fine")
        run.tag("bare")
        run.set_tags({"count": 3, "flag": False})
        run.remove_tags(["bare", "count"])
        run.complete()
        run.fail("it broke", "Broken")
        run.fail()
        run.log("after", 1)
    """)
    assert submitted.timeless_lines() == [
        ["m", "loss", None, 0.1],
        ["m", "loss", 2, 3],
        ["m", "good", None, True],
        ["m", "note", None, "à\nb", "what it says"],
        ["l", "all", None, [0, 1, 2], "numbers"],
        ["r", "row", None, {"x": 1, "y": "z"}],
        ["r", "row", None, {"x": 2}, "a row"],
        ["t", "table", None, {"x": [1, 2], "3": ["four", "five"]}],
        ["g", {"quality": "fine"}],
        ["g", {"bare": None}],
        ["g", {"count": "3", "flag": "False"}],
        ["G", ["bare", "count"]],
        ["e", "Completed", None],
        ["e", "Failed", {"message": "it broke", "code": "Broken"}],
        ["e", "Failed", None],
        ["m", "after", None, 1],
    ]


def test_a_line_is_compact_ascii_json_with_seconds_since_1970(submitted: SubmittedRun) -> None:
    before = time.time()
    submitted.run("run.log('lß', 1e22)")
    (text,) = [path.read_text(encoding="ascii") for path in submitted.journals()]
    logged_at = json.loads(text)[2]
    assert before - 1e-3 <= logged_at <= time.time()
    assert text == f'["m","l\\u00df",{logged_at:.6f},null,1e+22]\n'


def test_a_journal_is_named_for_its_process_and_private(submitted: SubmittedRun) -> None:
    output = submitted.run("""
        import os
        assert not os.listdir(os.environ["MLRUN_RUN_FOLDER"] + "/journal")
        run.log("a", 1); Run.get_context().log("a", 2)
        print(os.getpid(), open("/proc/self/stat").read().rpartition(")")[2].split()[19])
    """)
    (journal,) = submitted.journals()
    pid, ticks = output.split()
    assert journal.name.split("-")[:2] == [pid, ticks]
    assert len(journal.stem.split("-")[2]) == 8
    assert journal.stat().st_mode & 0o777 == 0o600


def test_numbers_of_other_kinds_become_plain_ones(submitted: SubmittedRun) -> None:
    submitted.run("""
        import decimal, enum, fractions
        import numpy as np
        class Level(enum.IntEnum):
            HIGH = 3
        class Colour(str, enum.Enum):
            RED = "red"
        values = [
            np.float32(0.5), np.float64(0.25), np.int64(7), np.bool_(True), np.str_("t"),
            np.array(1.5), np.longdouble(0.5), decimal.Decimal("1.25"), fractions.Fraction(1, 4),
            Level.HIGH, Colour.RED, 2**80,
        ]
        for value in values:
            run.log("v", value, step=np.int64(4))
        run.log_list("array", np.arange(3, dtype=np.float32))
        run.log_list("mixed", [np.float64(1), 2, "x"])
        run.log_table("table", {"x": np.array([1, 2])})
    """)
    values = [line[3] for line in submitted.timeless_lines()]
    assert values[:12] == [0.5, 0.25, 7, True, "t", 1.5, 0.5, 1.25, 0.25, 3, "red", 2**80]
    assert values[12:] == [[0, 1, 2], [1, 2, "x"], {"x": [1, 2]}]
    assert type(values[3]) is bool
    assert {line[2] for line in submitted.timeless_lines() if line[0] == "m"} == {4}


def test_nan_and_infinities_are_written_as_python_reads_them(submitted: SubmittedRun) -> None:
    submitted.run("""
        import numpy as np
        run.log_list("v", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
        run.log("v", -float("inf"))
    """)
    (text,) = [path.read_text() for path in submitted.journals()]
    assert text.splitlines()[0].endswith("[NaN,Infinity,-Infinity,NaN]]")
    assert text.splitlines()[1].endswith(",-Infinity]")


def test_half_a_surrogate_pair_is_spelled_out(submitted: SubmittedRun) -> None:
    submitted.run(r"""
        half = b"\xff".decode("utf-8", "surrogateescape")
        run.log(half, half); run.tag(half, half); run.fail(half)
    """)
    spelled = "\\udcff"
    assert submitted.timeless_lines() == [
        ["m", spelled, None, spelled],
        ["g", {spelled: spelled}],
        ["e", "Failed", {"message": spelled}],
    ]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("run.log('x', [1, 2])", "UserErrorException: log takes one value for 'x', not a list. Use log_list"),
        ("run.log('x', range(2))", "Use log_list"),
        ("run.log_list('x', 3)", "TypeError: log_list takes a list of values for 'x', not an int. Use log for one"),
        ("run.log_list('x', np.array(1.0))", "Use log for one value"),
        ("run.log_list('x', [1, object()])", "AzureMLException: A list for 'x' holds an object at position 1"),
        ("run.log_list('x', np.zeros((2, 2)))", "a list at position 0"),
        ("run.log_row('x', a=[1])", "AzureMLException: log_row takes one value for column 'a' of 'x', not a list."),
        ("run.log_table('x', [1])", "AttributeError: log_table takes a dict of columns"),
        ("run.log_table('x', {'a': {'b': 1}})", "AzureMLException: log_table takes a list of values for column 'a'"),
        ("run.log_table('x', {'a': [[1]]})", "AzureMLException: The column 'a' of 'x' holds a list at position 0"),
        ("run.log_table('x', {'a': [1, 2], 'b': [1]})", "of one length: 'a' has 2, 'b' has 1"),
        ("run.tag('', 'v')", "not empty"),
        ("run.tag(3)", "keys of tags are texts"),
        ("run.set_tags('a')", "tags are a dict"),
        ("run.get_metrics(3)", "name of a metric is text"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_words(submitted: SubmittedRun, call: str, words: str) -> None:
    numpy = "import numpy as np" if "np." in call else ""
    message = submitted.run(f"""
        {numpy}
        from azureml.exceptions import AzureMLException
        try:
            {call}
        except (AzureMLException, AttributeError, TypeError) as error:
            print("{{}}: {{}}".format(type(error).__name__, error))
    """)
    assert words in message
    assert len(message.splitlines()) == 1
    assert submitted.journals() == []


@pytest.mark.parametrize(
    ("call", "kept", "words"),
    [
        ("run.log('x', np.array([1.0]))", ["x", None, "array([1.])"], "for 'x', not a ndarray, of which the text is"),
        ("run.log('x', {'a': 1})", ["x", None, "{'a': 1}"], "Use log_row"),
        ("run.log('x', (1, 2))", ["x", None, "(1, 2)"], "Use log_list"),
        ("run.log('x', 1j)", ["x", None, "1j"], "not a complex, of which the text is kept"),
        ("run.log(3, 1)", ["3", None, 1], ""),
        ("run.log('', 1)", ["unnamed", None, 1], "1 to 255 characters, not 0: it is kept as 'unnamed'"),
        ("run.log('n' * 256, 1)", ["n" * 246 + "…bfb225b0", None, 1], "1 to 255 characters, not 256"),
        ("run.log('x', 1, step='a')", ["x", None, 1], "The step of 'x' is an integer, not 'a': it is left out."),
        ("run.log('x', 1, step=float('nan'))", ["x", None, 1], "not nan: it is left out"),
        ("run.log('x', 1, step=1 << 70)", ["x", None, 1], "it is left out"),
        ("run.log('x', 1, step=2.5)", ["x", 2, 1], ""),
    ],
)
def test_what_is_not_as_it_should_be_is_kept_as_it_can_be_with_one_warning(
    submitted: SubmittedRun, call: str, kept: list[object], words: str
) -> None:
    numpy = "import numpy as np" if "np." in call else ""
    code = f"""
        import warnings
        {numpy}
        warnings.simplefilter("error")
        for _ in range(3):
            {call}
    """
    with submitted.start(code) as process:
        _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert errors.count("\n") == bool(words)
    assert words in errors
    assert [line[1:] for line in submitted.timeless_lines()] == [kept] * 3


def test_eight_processes_with_threads_lose_and_tear_nothing(submitted: SubmittedRun) -> None:
    code = """
        import sys, threading
        def work(thread):
            for number in range(1250):
                run.log(f"p{sys.argv[1]}", number, step=thread)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    """
    processes = [submitted.start(code, str(number)) for number in range(8)]
    for process in processes:
        _, errors = process.communicate(timeout=180)
        assert (process.returncode, errors) == (0, "")
    assert len(submitted.journals()) == 8
    logged = sorted((line[1], line[3], line[4]) for line in submitted.lines())
    assert logged == [(f"p{p}", t, n) for p in range(8) for t in range(4) for n in range(1250)]


@pytest.mark.parametrize("python", PYTHONS, ids=os.path.basename)
def test_children_by_fork_write_journals_of_their_own(submitted: SubmittedRun, python: str) -> None:
    code = """
        import os, threading, warnings
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        stop = threading.Event()
        def work():
            number = 0
            while not stop.is_set():
                run.log("thread", number)
                number += 1
            run.log("count", number)
        thread = threading.Thread(target=work)
        thread.start()
        for child in range(20):  # while the thread may be in the middle of a line
            pid = os.fork()
            if pid == 0:
                run.log("child", child)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        thread.join()
    """
    submitted.run(code, python=python)
    assert len(submitted.journals()) == 21
    values: dict[str, list[int]] = {}
    for line in submitted.lines():
        values.setdefault(line[1], []).append(line[4])
    assert sorted(values["child"]) == list(range(20))
    assert values["thread"] == list(range(values["count"][0]))


def test_a_child_by_fork_closes_the_journal_of_its_parent(submitted: SubmittedRun) -> None:
    output = submitted.run("""
        import os, sys
        run.log("parent", 1)
        sys.stdout.flush()
        if os.fork() == 0:
            links = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
            print([link for link in links if link.endswith(".jsonl")], flush=True)
            os._exit(0)
        os.wait()
    """)
    assert output == "[]\n"


def test_a_signal_handler_may_log_while_its_thread_is_logging(submitted: SubmittedRun) -> None:
    output = submitted.run("""
        import signal
        handled = 0
        def handle(*_):
            global handled
            handled += 1
            run.log("handler", handled)
            if handled < 50:
                signal.setitimer(signal.ITIMER_REAL, 0.0005)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        number = 0
        while handled < 50:
            number += 1
            run.log("loop", number)
        print(handled, number)
    """)
    handled, number = map(int, output.split())
    lines = submitted.lines()
    assert [line[4] for line in lines if line[1] == "handler"] == list(range(1, handled + 1))
    assert [line[4] for line in lines if line[1] == "loop"] == list(range(1, number + 1))


def test_a_signal_handler_may_log_while_its_thread_opens_the_journal(submitted: SubmittedRun) -> None:
    submitted.run("""
        import os, signal
        signal.signal(signal.SIGUSR1, lambda *_: run.log("handler", 1))
        real_urandom = os.urandom
        def urandom(size):
            os.urandom = real_urandom
            signal.raise_signal(signal.SIGUSR1)
            return real_urandom(size)
        os.urandom = urandom
        run.log("first", 1)
        run.log("second", 1)
    """)
    assert [line[1] for line in submitted.lines()] == ["handler", "first", "second"]
    assert len([journal for journal in submitted.journals() if journal.stat().st_size]) == 1


@pytest.mark.parametrize("limit", [64, 1024])
def test_a_script_that_closes_all_it_finds_open_goes_on_in_a_new_file(submitted: SubmittedRun, limit: int) -> None:
    submitted.run(f"""
        import os, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))
        run.log("a", 1)
        os.closerange(3, {limit})
        own = os.open("own", os.O_WRONLY | os.O_CREAT)  # by the lowest number, which was free before
        run.log("a", 2); run.log("a", 3)
        os.write(own, b"own")
    """)
    assert (submitted.folder / "own").read_bytes() == b"own"
    assert sorted(line[4] for line in submitted.lines()) == [1, 2, 3]
    assert len(submitted.journals()) == 2


def test_a_journal_is_written_by_the_last_number_that_is_free(submitted: SubmittedRun) -> None:
    submitted.run("""
        import os, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        held = []
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            os.close(held[0])
        run.log("a", 1); run.log("a", 2)
    """)
    assert [line[4] for line in submitted.lines()] == [1, 2]


def test_nothing_acknowledged_is_lost_when_a_script_is_killed(submitted: SubmittedRun) -> None:
    count = submitted.folder / "count"
    process = submitted.start("""
        import os
        file = os.open("count", os.O_WRONLY | os.O_CREAT)
        number = 0
        while True:
            run.log("n", number)
            number += 1
            os.pwrite(file, b"%09d" % number, 0)
    """)
    while not count.exists() or int(count.read_text() or 0) < 2000:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    acknowledged = int(count.read_text())
    (journal,) = submitted.journals()
    *whole, _last = journal.read_text().split("\n")
    assert [json.loads(line)[4] for line in whole] == list(range(len(whole)))
    assert acknowledged <= len(whole) <= acknowledged + 1


_FILL = """
import sys
from azureml.exceptions import UserErrorException
number = 0
try:
    while True:
        run.log("n", number, "x" * 600)
        number += 1
except UserErrorException as error:
    print(number)
    print(error)
"""


def test_a_limit_on_file_size_raises_and_leaves_no_torn_line(submitted: SubmittedRun) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 100_000))\n"
    more = "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); run.log('n', number)"
    number, message = submitted.run(limit + _FILL + more).splitlines()
    assert int(number) == 15
    assert "ulimit -f" in message
    assert [line[4] for line in submitted.lines()] == list(range(16))


_FILL_A_DISK = f"""
import os, shutil
from azureml.core import Run
run = Run.get_context()
ballast = open("ballast", "wb", 0)
ballast.write(bytes(28 << 10))
{_FILL}
os.remove("ballast"); ballast.close()
run.log("n", number)
shutil.copytree("journal", sys.argv[1])
"""


def test_a_full_disk_raises_and_leaves_no_torn_line(submitted: SubmittedRun, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    kept = tmp_path / "kept"
    commands = 'mount -t tmpfs -o size=64k none . && cd "$PWD" && mkdir journal && exec "$@"'
    python = [sys.executable, "-c", _FILL_A_DISK, str(kept)]
    output = subprocess.run(
        ["unshare", "-m", "sh", "-c", commands, "sh", *python],
        cwd=submitted.folder,
        env=submitted.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    number, message = output.splitlines()
    assert int(number) > 10 and message
    (submitted.folder / "journal").rmdir()
    kept.rename(submitted.folder / "journal")
    assert [line[4] for line in submitted.lines()] == list(range(int(number) + 1))


def test_a_run_folder_that_is_gone_is_said_in_words(submitted: SubmittedRun) -> None:
    message = submitted.run("""
        import os
        from azureml.exceptions import ServiceException
        os.rmdir(os.environ["MLRUN_RUN_FOLDER"] + "/journal")
        try:
            run.log("a", 1)
        except ServiceException as error:
            print(error)
    """)
    assert os.strerror(2) in message
