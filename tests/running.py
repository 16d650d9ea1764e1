"""Running of the installed command as a user would, and inspection of what it leaves on the machine."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tests.command_server import find_command_server

COMMAND = Path(sys.executable).with_name("mlrun")
LIVE = ("NotStarted", "Queued", "Preparing", "Starting", "Running", "Finalizing", "CancelRequested")
ENDED = ("Completed", "Failed", "Canceled")

T = TypeVar("T")

_TIMEOUT_SECONDS = 180.0
_LOOK_SECONDS = 0.01
_LOOK_SHARE = 2
"""How much longer than a look the pause after it is, if that is longer than the usual one."""


class Failure(NamedTuple):
    """The error of a failed command, parsed from the JSON that it prints on request.

    Attributes:
        exit_code: of the command.
        code: the name of the error's class.
        text: message and hint, for the facts in them.
        warnings: the lines on standard error before the error.
        record: all that is printed of the error.
    """

    exit_code: int
    code: str
    message: str
    hint: str
    target: str | None
    file: str | None
    line: int | None
    key_path: str | None
    warnings: Sequence[str]
    record: dict[str, Any]

    @property
    def text(self) -> str:
        """The message and the hint."""
        return f"{self.message}\n{self.hint}".rstrip()

    @property
    def codes(self) -> list[str]:
        """The codes of all problems of which the error consists, or its own code."""
        return [one["code"] for one in self.record.get("problems", [self.record])]


def failure_of(done: subprocess.CompletedProcess[str]) -> Failure:
    """Return the error of a command that was called with `MLRUN_ERROR_FORMAT=json` and printed no result."""
    assert done.stdout == ""
    return parse_failure(done.returncode, done.stderr)


def parse_failure(exit_code: int, stderr: str) -> Failure:
    """Return the error that a command printed as JSON in the last line of stderr."""
    assert exit_code != 0, stderr
    assert "Traceback" not in stderr, stderr
    *warnings, last = stderr.splitlines()
    error = json.loads(last)["error"]
    return Failure(
        exit_code=exit_code,
        code=error["code"],
        message=error["message"],
        hint=error.get("hint", ""),
        target=error.get("target"),
        file=error.get("file"),
        line=error.get("line"),
        key_path=error.get("key_path"),
        warnings=warnings,
        record=error,
    )


class Mlrun:
    """The installed command with its own home, HOME and attached folder; `close` ends everything it has started.

    Attributes:
        folder: the attached folder, where the command is called; it holds the scripts.
        home: `MLRUN_HOME`; the machine that GPUs are lent of is the test's own, too.
        enter: the words in front of each program, to run it on another host.
        environment: the variables that every call gets; a test may change them.
        command: the words in front of each call's own; a test may wrap them, as in `["unshare", …]`.
    """

    def __init__(self, root: Path, *, attach: bool = True) -> None:
        self.home = root / "home"
        self._database: Path | None = None
        self.enter: list[str] = []
        self.folder = root / "my folder"
        self.command: list[str] = [str(COMMAND)]
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AZURE", "GITHUB_", "GITLAB_", "MLRUN_", "PYTHON", "SLURM_"))
            and name not in ("CI", "TF_BUILD", "PAGER")
        }
        self.environment.update(HOME=str(root / "user"), MLRUN_HOME=str(self.home), MLRUN_MACHINE=str(root / "machine"))
        (root / "user").mkdir()
        self.folder.mkdir()
        if attach:
            self.begin_as(_attached())

    @property
    def seen(self) -> Path:
        """The home as this process sees it."""
        return self.home

    def begin_as(self, other: Mlrun) -> None:
        """Copy the home and the attached folder of another instance, which runs nothing."""
        shutil.copytree(other.home, self.home, symlinks=True)
        shutil.copytree(other.folder, self.folder, symlinks=True, dirs_exist_ok=True)

    def __call__(self, *words: str, check: bool = True, timeout: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Run the command and wait for it; with `check`, a nonzero exit code fails the test with the output."""
        server = find_command_server(self.command, COMMAND, self.environment)
        if server is None:
            done = self.run(*self.command, *words, timeout=timeout)
        else:
            done = server.run(words, folder=self.folder, environment=self.environment, timeout=timeout)
        assert not check or done.returncode == 0, f"mlrun {' '.join(words)}: {done.returncode}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def fails(self, *words: str, exit_code: int = 2) -> Failure:
        """Run the command, check that it fails with this exit code and without a result, and return its error."""
        with self.error_format("json"):
            failure = failure_of(self(*words, check=False))
        assert failure.exit_code == exit_code, failure
        return failure

    @contextmanager
    def error_format(self, name: str) -> Iterator[None]:
        """Have errors printed as `text` or as `json` during the block."""
        before = dict(self.environment)
        self.environment["MLRUN_ERROR_FORMAT"] = name
        try:
            yield
        finally:
            self.environment = before

    def run(self, *words: str, folder: Path | None = None, timeout: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Run any other program with the same variables, in the attached folder or another, and wait for it."""
        return subprocess.run(
            words,
            cwd=folder or self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    def python(self, *words: str) -> str:
        """Run this interpreter in the attached folder, check that it succeeds silently, and return its output."""
        return good_end(self.run(sys.executable, *words))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the command without waiting for it, with pipes as its standard output and error."""
        return subprocess.Popen(
            [*self.command, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def find_pid(self, started: subprocess.Popen[str]) -> int:
        """Return the pid of a program that was started with the words of `enter`, if there are any."""
        return started.pid

    def json(self, *words: str) -> Any:
        """Return the parsed output of a call, or None if it prints nothing."""
        text = self(*words).stdout
        return json.loads(text) if text else None

    def script(self, text: str, name: str = "train.py") -> Path:
        """Write a script into the attached folder, removing common indentation."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def submit(self, *words: str) -> str:
        """Run `run submit-script --async` with these words, by default `train.py`, and return the run's id."""
        run_id: str = self.json("run", "submit-script", "--async", *(words or ("train.py",)))["run_id"]
        return run_id

    def ended(self, *words: str) -> dict[str, Any]:
        """Run `run submit-script` with these words, streaming the run, and return the record of the ended run."""
        done = self("run", "submit-script", *(words or ("train.py",)), check=False)
        record: dict[str, Any] = json.loads(done.stdout)
        return record

    def show(self, run_id: str) -> dict[str, Any]:
        """Return the record of a run as `run show` prints it, which recovers a run without a supervisor.

        On a machine that is busy the recovery takes longer than one look has patience for.
        """

        def look() -> dict[str, Any] | None:
            record: dict[str, Any] = self.json("run", "show", "-r", run_id)
            return None if record["status"] == "NotResponding" else record

        return until(look)

    def wait(self, run_id: str) -> dict[str, Any]:
        """Wait for the end of a run with the command, and return its record."""
        record: dict[str, Any]
        (record,) = json.loads(self("run", "wait", "-r", run_id, check=False).stdout)
        return record

    def metrics(self, run_id: str) -> dict[str, Any]:
        """Return the metrics of a run as the command prints them."""
        return self.json("run", "metrics", "-r", run_id) or {}

    @property
    def database(self) -> Path:
        """The path of the SQLite file of the only workspace."""
        if self._database is None or not self._database.exists():
            (self._database,) = self.seen.glob("workspaces/*/*/*/workspace.db")
        return self._database

    def run_folder(self, run_id: str) -> Path:
        """Return the path of a run's folder."""
        return self.database.parent / "runs" / run_id

    def stored(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return rows directly from the database; unlike the command, this reconciles and recovers nothing."""
        with closing(sqlite3.connect(self.database, timeout=30.0, isolation_level=None)) as connection:
            return connection.execute(sql, parameters).fetchall()

    def execute(self, sql: str, *parameters: object) -> None:
        """Execute a statement directly on the database."""
        with closing(sqlite3.connect(self.database, timeout=30.0, isolation_level=None)) as connection:
            connection.execute(sql, parameters)

    def stored_status(self, run_id: str) -> str:
        """Return the status of a run that is stored in the database."""
        ((status,),) = self.stored("SELECT status FROM runs WHERE run_id = ?", run_id)
        return str(status)

    def history(self, run_id: str) -> list[str]:
        """Return every status that a run has had, in order."""
        sql = "SELECT c.status FROM status_changes c JOIN runs USING (run_key) WHERE run_id = ? ORDER BY change_key"
        return [str(status) for (status,) in self.stored(sql, run_id)]

    def wait_for_status(self, run_id: str, *statuses: str) -> str:
        """Wait until the database contains one of these statuses for a run, without reconciling it."""
        return until(lambda: status if (status := self.stored_status(run_id)) in statuses else None)

    def supervisor(self, run_id: str) -> int:
        """Return the pid of a run's supervisor."""
        return until(lambda: next(iter(self.supervisors(run_id)), None))

    def supervisors(self, run_id: str) -> list[int]:
        """Return the pids of a run's supervisors: one, or none."""
        return [
            pid
            for pid in list_pids()
            if run_id in (words := words_of(pid)) and "--recover" not in words
            if any(word.endswith("supervisor/__main__.py") for word in words)
        ]

    def programs(self, name: str) -> list[int]:
        """Return the pids of this home's processes that run a program of the package, such as `dispatcher.py`.

        One that another of them has forked just now, and that does not go by its own name yet, is none.
        """
        mine = find_processes("MLRUN_HOME", str(self.home))
        named = [pid for pid in mine if any(Path(word).name == name for word in words_of(pid))]
        return [pid for pid in named if parent_of(pid) not in named]

    def is_owned(self, run_id: str) -> bool:
        """Return whether a process holds a run's lock: its supervisor, or a process that it has just forked."""
        descriptor = os.open(self.run_folder(run_id) / "lock", os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def processes(self, run_id: str) -> list[int]:
        """Return the pids of all processes with the run's id in their environment: its script and its children."""
        return find_processes("MLRUN_RUN_ID", run_id)

    def script_pid(self, run_id: str) -> int:
        """Return the pid of a run's script, once the script has been started."""
        path = self.run_folder(run_id) / "process.json"
        until(path.exists)
        return int(json.loads(path.read_text(encoding="utf-8"))["processes"][0]["pid"])

    def log(self, run_id: str) -> str:
        """Return the output of a run's script so far."""
        return (self.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt").read_text(encoding="utf-8")

    def close(self) -> None:
        """End every process that was started for this home."""
        for _ in range(50):
            mine = find_processes("MLRUN_HOME", str(self.home))
            if not mine:
                return
            for pid in mine:
                kill(pid)
            time.sleep(0.02)


@cache
def _attached() -> Mlrun:
    """Return a command with an attached folder, created once per process, for other instances to copy."""
    root = Path(tempfile.mkdtemp(prefix="attached-"))
    atexit.register(shutil.rmtree, root)
    made = Mlrun(root, attach=False)
    made("folder", "attach", "-e", "exp")
    return made


def make_nvidia_smi(folder: Path, count: int) -> Path:
    """Write an `nvidia-smi` that reports the given number of GPUs into a folder, and return the folder.

    The processes that use them are the lines of the file `compute-apps` beside it.
    """
    program, apps = folder / "nvidia-smi", folder / "compute-apps"
    apps.touch()
    lines = "".join(f"echo '{number}, GPU-{number}'\n" for number in range(count))
    answer = f"case $1 in --query-compute-apps=*) cat {shlex.quote(str(apps))}; exit;; esac"
    program.write_text(f"#!/bin/sh\n{answer}\n{lines}", encoding="utf-8")
    program.chmod(0o755)
    return folder


@cache
def interpreters() -> list[str]:
    """Return this Python and one for each other minor version from 3.6 on in pyenv or on PATH, oldest first."""
    found = {}
    for minor in range(6, 20):
        kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
        candidates = [*map(str, kept.glob(f"3.{minor}.*/bin/python3.{minor}")), shutil.which(f"python3.{minor}")]
        if minor != sys.version_info.minor and (path := next(filter(_runs, filter(None, candidates)), None)):
            found[minor] = path
    return [sys.executable, *found.values()]


def _runs(python: str) -> bool:
    """Return whether an interpreter runs; pyenv may have a shim on PATH for a version that is not active."""
    return subprocess.run([python, "-c", "pass"], capture_output=True, check=False).returncode == 0


def service_error(record: dict[str, Any], reason: str) -> str:
    """Return the error message of a run that failed with this reason, not through a fault of its script."""
    error = record["error"]["error"]
    assert (record["status"], error["code"], error["innerError"]["code"]) == ("Failed", "ServiceError", reason), error
    return str(error["message"])


def user_error(record: dict[str, Any], reason: str | None = None) -> str:
    """Return the error message of a run that failed through a fault of the user, with this reason if given."""
    error = record["error"]["error"]
    found = error.get("innerError", {}).get("code")
    assert (record["status"], error["code"], found) == ("Failed", "UserError", reason), error
    return str(error["message"])


def good_end(done: subprocess.CompletedProcess[str]) -> str:
    """Return the output of a program, after checking that it succeeded and printed nothing on stderr."""
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def until(look: Callable[[], T | None], patience_seconds: float = _TIMEOUT_SECONDS) -> T:
    """Call a function repeatedly until its result is true, and return the result."""
    began = time.monotonic()
    deadline = began + patience_seconds
    while not (seen := look()):
        ended = time.monotonic()
        assert ended < deadline, "waited in vain"
        time.sleep(max(_LOOK_SECONDS, _LOOK_SHARE * (ended - began)))
        began = time.monotonic()
    return seen


def is_alive(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] not in {b"Z", b"X"}


def parent_of(pid: int) -> int | None:
    """Return the pid of a process's parent, or None if the process no longer exists."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:
        return None


def children_of(pid: int) -> list[int]:
    """Return the pids of the children of a process's main thread."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def kill(*pids: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to several processes together, ignoring those that no longer exist.

    Returns when those that were killed are dead: on a busy machine that takes longer than a look at what they leave.
    """
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    if number == signal.SIGKILL:
        until(lambda: not any(map(is_alive, pids)))


def find_files_with(text: str, folder: Path) -> list[Path]:
    """Return the files below a folder that hold a text; other processes may remove files meanwhile."""
    found = []
    for top, _, names in os.walk(folder):
        for path in (Path(top, name) for name in names):
            with suppress(OSError):
                if path.is_file() and text.encode() in path.read_bytes():
                    found.append(path)
    return found


def find_paths(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the paths below a folder that match a pattern; other processes may remove folders meanwhile."""
    found = [Path(top, name) for top, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [path for path in found if path.match(pattern)]


def find_processes(variable: str, value: str) -> list[int]:
    """Return the pids of the live processes in whose environment a variable has this value."""
    wanted = os.fsencode(f"{variable}={value}")
    found = []
    for pid in list_pids():
        with suppress(OSError):
            if wanted in (text := Path(f"/proc/{pid}/environ").read_bytes()) and wanted in text.split(b"\0"):
                found.append(pid)
    return found


def list_pids() -> list[int]:
    """Return the pids of all processes, zombies too."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def processes() -> Iterator[tuple[int, dict[str, str]]]:
    """Return every live process with a readable environment, and that environment; zombies have none."""
    for pid in list_pids():
        with suppress(OSError):
            if text := Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace"):
                yield pid, dict(item.partition("=")[::2] for item in text.split("\0") if item)


def words_of(pid: int) -> list[str]:
    """Return the command line of a process, empty if it no longer exists."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []
