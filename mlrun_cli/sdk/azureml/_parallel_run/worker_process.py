"""A worker's process, as the driver sees it."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

from azureml._parallel_run.batches import MiniBatch
from azureml._parallel_run.options import get_node_rank
from azureml._parallel_run.worker import CHANNEL_VARIABLE

_CHUNK_BYTES = 1 << 16


class WorkerProcess:
    """A worker process, with the batch that it is processing.

    Attributes:
        batch: the batch; None if it is idle.
        is_ready: whether the entry script is loaded.
        is_lost: whether it is gone together with its node, so that its batch is not to blame.
        is_here: whether it runs on the node of the driver, which replaces it.
    """

    is_here = True

    def __init__(self, number: int, logs: str, rows_folder: str) -> None:
        self.batch: MiniBatch | None = None
        self.is_ready = False
        self.is_lost = False
        self._sent_at = time.monotonic()
        self._received = b""
        reading, self._batches = os.pipe()
        self._answers, writing = os.pipe()
        channel = {CHANNEL_VARIABLE: f"{reading},{writing},{rows_folder}"}
        try:
            with _open_log(logs, "stdout", number) as output, _open_log(logs, "stderr", number) as errors:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "azureml._parallel_run", *sys.argv[1:]],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    pass_fds=(reading, writing),
                    env={**os.environ, **channel},
                )
        except BaseException:
            os.close(self._batches)
            os.close(self._answers)
            raise
        finally:
            os.close(reading)
            os.close(writing)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the worker has responded or ended."""
        return self._answers

    def send(self, batch: MiniBatch) -> None:
        """Send a batch to the worker; if it has died, only `receive` reports that."""
        self.batch = batch
        self._sent_at = time.monotonic()
        content = memoryview(json.dumps(batch._asdict()).encode() + b"\n")
        try:
            while content:
                content = content[os.write(self._batches, content) :]
        except BrokenPipeError:
            pass

    def receive(self) -> "Optional[List[Dict[str, Any]]]":
        """Return the responses that have arrived, or None if the worker has ended."""
        piece = os.read(self._answers, _CHUNK_BYTES)
        if not piece:
            return None
        lines = (self._received + piece).split(b"\n")
        self._received = lines.pop()
        return [json.loads(line.decode()) for line in lines]

    def get_busy_seconds(self) -> float:
        """Return the seconds since the worker was started or received its current batch."""
        return time.monotonic() - self._sent_at

    def shut_down(self) -> None:
        """Ask the worker to exit, and wait until it has exited."""
        os.close(self._batches)
        self._process.wait()
        os.close(self._answers)

    def kill(self) -> str:
        """Kill the process unless it has exited, and return its signal or exit code as text."""
        if self._process.poll() is None:
            self._process.kill()
        code = self._process.wait()
        os.close(self._batches)
        os.close(self._answers)
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _open_log(logs_folder: str, kind: str, worker_number: int) -> Any:
    """Open a worker's log of a kind such as `stdout` for appending bytes, and return the file."""
    folder = os.path.join(logs_folder, "user", kind, get_node_rank())
    os.makedirs(folder, exist_ok=True)
    return open(os.path.join(folder, f"process{worker_number:03d}.{kind}.txt"), "ab")
