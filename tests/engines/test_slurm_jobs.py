"""Jobs of a real Slurm cluster: submit, states and reasons, ends, cancellation, refusals, and no answer."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence

import pytest

from mlrun_cli.targets.engine import Job, JobEnd, JobState
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.slurm import commands, jobs
from tests.engines.slurm import CPUS, Slurm
from tests.running import until

SLEEP = "exec sleep 600"


def submit(text: str, *options: str) -> str:
    return jobs.submit_job(f"#!/bin/sh\n{text}\n", ["--output=/dev/null", *options])


def job(job_id: str) -> Job:
    return jobs.find_jobs([job_id])[job_id]


def wait_for(job_id: str, state: JobState) -> Job:
    return until(lambda: found if (found := job(job_id)).state is state else None)


@pytest.mark.usefixtures("slurm")
def test_a_job_waits_for_resources_and_then_runs_on_a_node() -> None:
    first = submit(SLEEP, "--nodelist=n2", "--exclusive")
    second = submit(SLEEP, "--nodelist=n2", f"--cpus-per-task={CPUS}")
    assert wait_for(first, JobState.RUNNING) == Job(JobState.RUNNING, nodes="n2")
    assert until(lambda: job(second).reason == "Resources")
    assert job(second).state is JobState.QUEUED
    jobs.cancel_jobs([first])
    assert wait_for(second, JobState.RUNNING).nodes == "n2"


@pytest.mark.usefixtures("slurm")
def test_one_query_returns_how_jobs_ended() -> None:
    ids = {text: submit(text) for text in ("exit 3", "exit 0", "kill -KILL $$")}
    until(lambda: all(each.state is JobState.ENDED for each in jobs.find_jobs(ids.values()).values()))
    found = jobs.find_jobs(ids.values())
    assert {each.end for each in found.values()} == {JobEnd.EXITED}
    words = {text: found[job_id].words for text, job_id in ids.items()}
    assert words["exit 0"] == "COMPLETED"
    assert words["exit 3"] == "FAILED, NonZeroExitCode, ExitCode=3:0"
    assert "ExitCode=0:9" in words["kill -KILL $$"]


@pytest.mark.usefixtures("slurm")
def test_a_cancelled_job_has_ended_and_can_be_cancelled_again() -> None:
    running, waiting = submit(SLEEP), submit(SLEEP, "--hold")
    wait_for(running, JobState.RUNNING)
    assert job(waiting).reason == "JobHeldUser"
    for job_id in (running, waiting):
        jobs.cancel_jobs([job_id])
        assert wait_for(job_id, JobState.ENDED).end is JobEnd.CANCELED
        jobs.cancel_jobs([job_id])
    jobs.cancel_jobs(["999999"])


def test_a_job_whose_node_is_lost(slurm: Slurm) -> None:
    job_id = submit(SLEEP, "--nodelist=n1", "--no-requeue")
    wait_for(job_id, JobState.RUNNING)
    slurm.kill_node("n1")
    slurm.mark_node_down("n1")
    ended = wait_for(job_id, JobState.ENDED)
    assert ended.end is JobEnd.NODE_LOST
    assert "NODE_FAIL" in ended.words


def test_a_requeued_job_waits_again(slurm: Slurm) -> None:
    job_id = submit(SLEEP, "--requeue")
    wait_for(job_id, JobState.RUNNING)
    slurm("scontrol", "requeuehold", job_id)
    assert wait_for(job_id, JobState.QUEUED).reason


@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--partition=none"], "invalid partition specified: none"),
        (["--gres=gpu:99"], "Requested node configuration is not available"),
        (["--nodes=3"], "Requested node configuration is not available"),
        (["--no-such-option"], "unrecognized option '--no-such-option'"),
    ],
)
def test_what_slurm_refuses_is_an_error_with_its_words(options: Sequence[str], words: str) -> None:
    for attempt in (jobs.check_options, jobs.submit_job):
        with pytest.raises(EngineRefused) as caught:
            attempt("#!/bin/sh\n", options)
        assert words in caught.value.message


@pytest.mark.usefixtures("slurm")
def test_a_job_is_found_by_its_name() -> None:
    name = f"run_{time.time_ns()}"
    assert jobs.find_job_ids([name]) == {}
    job_id = submit("exit 0", f"--job-name={name}")
    assert jobs.find_job_ids([name, "other"]) == {name: job_id}
    wait_for(job_id, JobState.ENDED)
    assert jobs.find_job_ids([name]) == {name: job_id}


@pytest.mark.usefixtures("slurm")
def test_jobs_that_slurm_does_not_know_are_left_out() -> None:
    job_id = submit(SLEEP)
    assert jobs.find_jobs(["999999", job_id]).keys() == {job_id}
    assert jobs.find_jobs([]) == {}


def test_without_a_controller_each_call_fails_and_jobs_go_on(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(SLEEP)
    wait_for(job_id, JobState.RUNNING)
    slurm.stop_controller()
    try:
        with monkeypatch.context() as patch:
            patch.setenv("SLURM_CONF", slurm.write_client_configuration(1)["SLURM_CONF"])
            with pytest.raises(EngineUnavailable):
                jobs.find_jobs([job_id])
            with pytest.raises(EngineUnavailable):
                submit(SLEEP)
    finally:
        slurm.start_controller()
    assert job(job_id).state is JobState.RUNNING


def test_a_call_that_gets_no_answer_is_stopped(slurm: Slurm) -> None:
    slurm.signal_controller(signal.SIGSTOP)
    try:
        with pytest.raises(EngineUnavailable):
            commands.run_command(["squeue"], timeout=0.3)
    finally:
        slurm.signal_controller(signal.SIGCONT)


def test_jobs_that_the_controller_has_forgotten_are_in_the_accounting_database(accounting: Slurm) -> None:
    name = f"run_{time.time_ns()}"
    failed, cancelled = submit("exit 3", f"--job-name={name}"), submit(SLEEP, "--hold")
    jobs.cancel_jobs([cancelled, "999999"])
    wait_for(failed, JobState.ENDED)
    until(lambda: not accounting.job_state(failed) and not accounting.job_state(cancelled))
    found = jobs.find_jobs([failed, cancelled])
    assert found[failed].end is JobEnd.EXITED
    assert "ExitCode=3:0" in found[failed].words
    assert found[cancelled].end is JobEnd.CANCELED
    assert jobs.find_job_ids([name]) == {name: failed}


@pytest.mark.parametrize(
    ("state", "end"),
    [
        ("TIMEOUT", JobEnd.TIMED_OUT),
        ("DEADLINE", JobEnd.TIMED_OUT),
        ("OUT_OF_MEMORY", JobEnd.OUT_OF_MEMORY),
        ("PREEMPTED", JobEnd.PREEMPTED),
        ("CANCELLED by 1000", JobEnd.CANCELED),
        ("BOOT_FAIL", JobEnd.NODE_LOST),
    ],
)
def test_states_that_take_long_to_reach(state: str, end: JobEnd) -> None:
    found = jobs.parse_job(state, "None", "n[1-2]", "0:0")
    assert (found.state, found.end, found.nodes) == (JobState.ENDED, end, "n[1-2]")
    assert state in found.words


@pytest.mark.parametrize(
    ("end", "lines", "expected"),
    [
        (JobEnd.EXITED, ["slurmstepd-n1: error: Exceeded job memory limit"], JobEnd.OUT_OF_MEMORY),
        (JobEnd.EXITED, ["slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch."], JobEnd.OUT_OF_MEMORY),
        (JobEnd.EXITED, ["slurmstepd: error: Exceeded job memory limit", *["a later start"] * 20], JobEnd.EXITED),
        (JobEnd.EXITED, ["slurmstepd: error: Exceeded job memory limit", jobs.RESTART_LINE, "ends"], JobEnd.EXITED),
        (JobEnd.EXITED, [jobs.RESTART_LINE, "slurmstepd: error: Exceeded job memory limit"], JobEnd.OUT_OF_MEMORY),
        (JobEnd.EXITED, ["a script that says: slurmstepd: Exceeded job memory limit"], JobEnd.EXITED),
        (JobEnd.CANCELED, ["slurmstepd: error: Exceeded job memory limit"], JobEnd.CANCELED),
    ],
)
def test_the_last_lines_of_a_job_say_that_it_has_used_too_much_memory(
    end: JobEnd, lines: list[str], expected: JobEnd
) -> None:
    ended = Job(JobState.ENDED, end=end, words="FAILED, ExitCode=0:9")
    explained = jobs.explain_end(ended, "\n".join(lines))
    assert explained.end is expected
    assert (explained == ended) is (expected is end)
