from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.registry import get_launcher

FOUR = Launch("mpi", process_count=4, launcher="mpirun")
OPEN_MPI_5 = """
prterun detected that one or more processes exited with non-zero status,
thus causing the job to be terminated. The first process to do so was:

   Process name: [prterun-vm-5503@1,2]
   Exit code:    7
"""
OPEN_MPI_4 = """
mpirun detected that one or more processes exited with non-zero status, thus causing
the job to be terminated. The first process to do so was:

  Process name: [[37049,1],2]
  Exit code:    7
"""
SIGNAL = "prterun noticed that process rank 2 with PID 11000 on node vm exited on\nsignal 15 (Terminated).\n"
EXCEPTION = 'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\nSystemError: no more\n'


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """A folder with the empty logs of four processes."""
    folder = tmp_path / 'it\'s "$mine"'
    (folder / "user_logs").mkdir(parents=True)
    for log in FOUR.log_names:
        (folder / log).touch()
    return folder


def find_failed(launch: Launch, artifacts: Path) -> tuple[int, str]:
    """The number and the log of the first to fail, where the first that was started has failed."""
    return get_launcher(launch).identify_failed_process(
        artifacts, 0, lambda log: "Traceback" in log.read_text(encoding="utf-8")
    )


def printed_by(argv: list[str], **variables: str) -> tuple[int, str]:
    done = subprocess.run(argv, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize(
    "variables",
    [{"OMPI_COMM_WORLD_RANK": "3", "PMIX_RANK": "3"}, {"PMIX_RANK": "3", "PMI_RANK": "0"}, {"PMI_RANK": "3"}],
)
def test_a_process_of_any_mpi_prints_into_its_log_and_is_the_shells_own(
    artifacts: Path, variables: dict[str, str]
) -> None:
    argv = get_launcher(FOUR).build_command(
        artifacts, ["/bin/sh", "-c", 'echo "$@"; echo $$ >&2; exit 5', "sh", "a  'b"]
    )[3:]
    log = artifacts / FOUR.log_names[3]
    log.write_text("before\n", encoding="utf-8")

    process = subprocess.Popen(argv, env=variables, stdout=subprocess.PIPE)

    assert process.communicate()[0] == b""
    assert process.returncode == 5
    assert log.read_text(encoding="utf-8") == f"before\na  'b\n{process.pid}\n"


@pytest.mark.parametrize("variables", [{}, {"PMI_RANK": "4"}])
def test_a_process_without_a_log_prints_by_way_of_the_launcher(artifacts: Path, variables: dict[str, str]) -> None:
    argv = get_launcher(FOUR).build_command(artifacts, ["/bin/sh", "-c", "echo printed; exit 5"])[3:]

    assert printed_by(argv, **variables) == (5, "printed\n")


def test_a_program_that_is_not_there_is_named_in_the_log(artifacts: Path) -> None:
    argv = get_launcher(FOUR).build_command(artifacts, ["/none/python"])[3:]

    assert printed_by(argv, PMI_RANK="1") == (127, "")
    assert "/none/python: not found" in (artifacts / FOUR.log_names[1]).read_text(encoding="utf-8")


@pytest.mark.parametrize("said", [OPEN_MPI_5, OPEN_MPI_4, SIGNAL])
def test_open_mpi_names_the_process_that_was_the_first_to_fail(artifacts: Path, said: str) -> None:
    (artifacts / "user_logs" / "std_log.txt").write_text(said, encoding="utf-8")
    (artifacts / FOUR.log_names[1]).write_text(EXCEPTION, encoding="utf-8")

    assert find_failed(FOUR, artifacts) == (2, "user_logs/std_log_process_2.txt")


def test_where_none_is_named_it_is_the_first_with_an_exception_or_else_the_launcher(artifacts: Path) -> None:
    assert find_failed(FOUR, artifacts) == (0, "user_logs/std_log.txt")
    (artifacts / "user_logs" / "std_log.txt").write_text("process rank 9 with PID 1", encoding="utf-8")
    assert find_failed(FOUR, artifacts) == (0, "user_logs/std_log.txt")

    (artifacts / FOUR.log_names[3]).write_text(EXCEPTION, encoding="utf-8")

    assert find_failed(FOUR, artifacts) == (3, "user_logs/std_log_process_3.txt")


def test_other_launches_and_a_single_process_are_left_as_they_are(tmp_path: Path) -> None:
    for launch in (Launch(), Launch("pytorch", process_count=2), Launch("mpi")):
        assert get_launcher(launch).build_command(tmp_path, ["a"]) == ["a"]
        assert find_failed(launch, tmp_path) == (0, launch.log_names[0])
