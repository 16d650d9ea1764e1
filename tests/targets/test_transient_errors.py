"""Which errors of engines may pass, in the words and numbers of the programs that were seen to end with them."""

from __future__ import annotations

import pytest

from mlrun_cli.targets.ray.transient_errors import is_transient_ray_error
from mlrun_cli.targets.remote.transient_errors import is_transient_ssh_error
from mlrun_cli.targets.slurm.transient_errors import is_transient_slurm_error

_SBATCH = "Batch job submission failed: "


@pytest.mark.parametrize(
    "message",
    [
        f"{_SBATCH}Unable to contact slurm controller (connect failure)",
        f"{_SBATCH}Socket timed out on send/recv operation",
        f"{_SBATCH}Zero Bytes were transmitted or received",
        f"{_SBATCH}I/O error writing script/environment to file",
        f"{_SBATCH}Slurm temporarily unable to accept job, sleeping and retrying",
        f"{_SBATCH}No space left on device",
        "slurm_persist_conn_open_without_init: failed to open connection to host:db:6819: Connection refused",
        's_p_parse_file: unable to read "/etc/slurm/slurm.conf": Too many open files',
    ],
)
def test_what_slurm_says_of_itself_may_pass(message: str) -> None:
    assert is_transient_slurm_error(message)


@pytest.mark.parametrize(
    "message",
    [
        "invalid partition specified: none",
        f"{_SBATCH}Invalid account or account/partition combination specified",
        f"{_SBATCH}Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
        f"{_SBATCH}Requested node configuration is not available",
    ],
)
def test_what_slurm_says_of_a_job_is_final(message: str) -> None:
    assert not is_transient_slurm_error(message)


@pytest.mark.parametrize(
    ("exit_code", "message", "is_transient"),
    [
        (255, "ssh: connect to host lab port 22: Connection timed out", True),
        (255, "", True),
        (12, "", True),
        (30, "rsync error: timeout in data send/receive (code 30)", True),
        (11, 'rsync: [receiver] write failed on "/home/me/x": No space left on device (28)', True),
        (1, "OSError: [Errno 24] Too many open files: '/home/me/x'", True),
        (137, "", True),
        (-9, "", True),
        (127, "sh: 1: exec: python3: not found", False),
        (23, 'rsync: [receiver] mkstemp "/home/me/.x" failed: Permission denied (13)', False),
        (1, "", False),
    ],
)
def test_what_ssh_and_rsync_end_with(exit_code: int, message: str, is_transient: bool) -> None:
    assert is_transient_ssh_error(exit_code, message) == is_transient


@pytest.mark.parametrize(
    ("status", "text", "is_transient"),
    [
        (429, "Too Many Requests", True),
        (500, "Traceback (most recent call last): …", True),
        (503, "Service Unavailable", True),
        (504, "Gateway Timeout", True),
        (400, "Bad Request: entrypoint is required", False),
        (500, "RuntimeError: Request failed with status code 400: the working_dir is too large", False),
    ],
)
def test_what_ray_answers(status: int, text: str, is_transient: bool) -> None:
    assert is_transient_ray_error(status, text) == is_transient
