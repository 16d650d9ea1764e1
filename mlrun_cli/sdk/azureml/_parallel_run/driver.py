"""The driver, which sends batches to workers, retries failed batches, and combines the resulting rows."""

import os
import selectors
import shutil
from collections import deque
from typing import Any, Dict, List, Optional, Union

from azureml._parallel_run.batches import MiniBatch, NoItems, build_batches
from azureml._parallel_run.journal import FOLDER, Journal
from azureml._parallel_run.node_channel import (
    INVALID_MESSAGE,
    MAX_PENDING_CONNECTIONS,
    Listener,
    PendingConnection,
    RemoteWorker,
)
from azureml._parallel_run.options import Options
from azureml._parallel_run.report import Report
from azureml._parallel_run.worker import DONE, FAILED, INIT_FAILED, READY
from azureml._parallel_run.worker_process import WorkerProcess

_Worker = Union[WorkerProcess, RemoteWorker]

_STARTS_PER_PROCESS = 3
"""How many workers per process may fail to start before the step is given up, as in Azure."""


class StepFailed(Exception):
    """The step has failed because too many items or batches have failed."""


def run_driver(options: Options, logs_folder: str) -> None:
    """Process all mini-batches with the entry script in worker processes, and write the results.

    Raises:
        StepFailed: there is nothing to run on, or more has failed than the settings allow.
    """
    try:
        batches = build_batches(options)
    except NoItems as error:
        raise StepFailed(str(error)) from None
    host = options.driver_host
    folder = os.path.abspath(FOLDER)  # which all nodes see; it stays if this process is killed
    try:
        journal = Journal(folder, batches, options.is_appending)
        listener = None if host is None else Listener(host, folder)
        driver = _Driver(options, batches, Report(logs_folder, len(batches)), logs_folder, folder, journal, listener)
        driver.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Driver:
    def __init__(
        self,
        options: Options,
        batches: List[MiniBatch],
        report: Report,
        logs: str,
        folder: str,
        journal: Journal,
        listener: "Optional[Listener]",
    ) -> None:
        self._options = options
        self._waiting: deque[MiniBatch] = deque(batch for batch in batches if batch.number not in journal.done)
        self._report = report
        self._logs = logs
        self._folder = folder
        self._tries: dict[int, int] = {}
        self._rows: dict[int, str] = {}
        self._journal = journal
        self._failed_starts = 0
        self._selector = selectors.DefaultSelector()
        self._workers: list[_Worker] = []
        self._started = 0
        self._pending_connections: list[PendingConnection] = []
        self._listener = listener
        if listener is not None:
            self._selector.register(listener, selectors.EVENT_READ, listener)
        self._count_done_batches(batches)

    def _count_done_batches(self, batches: List[MiniBatch]) -> None:
        """Count the batches that an earlier attempt of the step has completed, and reuse their rows."""
        done = [(batch, self._journal.done[batch.number]) for batch in batches if batch.number in self._journal.done]
        if done:
            self._report.add_note(f"{len(done)} mini batches were done before this process was started again.")
        for batch, result in done:
            if result.rows is not None:
                self._rows[batch.number] = os.path.join(self._folder, result.rows)
            self._report.add_processed_batch(batch, result.item_count)

    def run(self) -> None:
        problem: str | None = None
        try:
            for _ in range(min(self._options.process_count, len(self._waiting))):
                self._start_worker()
            while self._waiting or any(worker.batch is not None for worker in self._workers):
                self._wait_for_events()
                self._replace_slow_workers()
                self._check_limits()
            self._write_rows()
        except BaseException as error:
            problem = str(error) or type(error).__name__
            raise
        finally:
            self._stop_workers(is_killing=problem is not None)
            self._report.write_result(problem)

    def _start_worker(self) -> None:
        worker = WorkerProcess(self._started, self._logs, self._folder)
        self._started += 1
        self._workers.append(worker)
        self._selector.register(worker, selectors.EVENT_READ, worker)

    def _wait_for_events(self) -> None:
        """Wait for responses and connections, at most until a call of the script's `run` times out, and handle them."""
        working = [worker.get_busy_seconds() for worker in self._workers if worker.batch is not None]
        timeout = None if not working else max(0.0, self._options.timeout_seconds - max(working)) + 0.01
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, Listener):
                self._add_pending_connection(key.data.accept())
            elif not isinstance(key.data, PendingConnection):
                self._handle_responses(key.data)
            elif key.data in self._pending_connections:
                self._admit_worker(key.data)

    def _handle_responses(self, worker: _Worker) -> None:
        """Handle the responses of a worker, or replace the worker if it has exited."""
        answers = worker.receive()
        if answers is None:
            self._replace_worker(worker, worker_error="The process of the entry script has ended")
        for answer in answers or ():
            self._handle_response(worker, answer)

    def _add_pending_connection(self, pending: "Optional[PendingConnection]") -> None:
        """Add a new pending connection, if any, and close the oldest one if there are too many."""
        if pending is not None:
            self._selector.register(pending, selectors.EVENT_READ, pending)
            self._pending_connections.append(pending)
        if len(self._pending_connections) > MAX_PENDING_CONNECTIONS:
            self._remove_pending_connection(self._pending_connections[0]).close()

    def _admit_worker(self, pending: PendingConnection) -> None:
        """Add a worker on another node if it has proved that it belongs to the step; close an invalid connection."""
        try:
            worker = pending.try_authenticate(self._options.timeout_seconds)
        except INVALID_MESSAGE:
            self._remove_pending_connection(pending).close()
            return
        if worker is not None:
            self._remove_pending_connection(pending)
            self._selector.register(worker, selectors.EVENT_READ, worker)
            self._workers.append(worker)

    def _remove_pending_connection(self, pending: PendingConnection) -> PendingConnection:
        """Unregister a pending connection and return it."""
        self._selector.unregister(pending)
        self._pending_connections.remove(pending)
        return pending

    def _handle_response(self, worker: _Worker, response: "Dict[str, Any]") -> None:
        kind, batch = response["kind"], worker.batch
        worker.batch = None
        if kind == INIT_FAILED:
            self._report.add_error(response["error"])
            return  # it ends, and is replaced then
        if kind == READY:
            worker.is_ready = True
        elif batch is not None and kind == DONE:
            if response["rows"] is not None:
                self._rows[batch.number] = os.path.join(self._folder, response["rows"])
            self._journal.add(batch.number, response["count"], response["rows"])
            self._report.add_processed_batch(batch, response["count"])
        elif batch is not None and kind == FAILED:
            self._requeue_batch(batch, response["error"])
        self._assign_batches()

    def _requeue_batch(self, batch: MiniBatch, error: str) -> None:
        """Append a failed batch to the queue, unless its maximum number of attempts is reached."""
        tries = self._tries[batch.number] = self._tries.get(batch.number, 0) + 1
        self._report.add_error(f"Batch {batch.number}, try {tries}: {error}")
        if tries < self._options.max_tries:
            self._waiting.append(batch)
        else:
            self._report.add_failed_batch(batch)

    def _assign_batches(self) -> None:
        """Send the next batch in the queue to each idle worker."""
        for worker in self._workers:
            if self._waiting and worker.is_ready and worker.batch is None:
                worker.send(self._waiting.popleft())

    def _replace_worker(self, worker: _Worker, worker_error: str) -> None:
        """Replace a worker that has exited or timed out; other nodes replace their own workers."""
        self._selector.unregister(worker)
        self._workers.remove(worker)
        ending = worker.kill()
        if not worker.is_ready and not worker.is_lost:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS_PER_PROCESS * self._options.process_count * self._options.node_count:
                message = "The entry script could not be started: {} processes have failed before init() was done."
                raise StepFailed(self._format_with_first_error(message.format(self._failed_starts)))
        batch = worker.batch
        if batch is not None and worker.is_lost:  # with its node: another does it, as if it had not been tried
            self._report.add_note(f"Batch {batch.number} is given to another process: {ending}.")
            self._waiting.appendleft(batch)
        elif batch is not None:
            self._requeue_batch(batch, f"{worker_error}: {ending}.")
        if batch is not None:
            self._assign_batches()
        here = sum(1 for other in self._workers if other.is_here)
        if self._waiting and here < self._options.process_count:  # there may be no other worker, on any node
            self._start_worker()

    def _replace_slow_workers(self) -> None:
        """Replace workers in which a call of the script's `run` takes too long."""
        limit = self._options.timeout_seconds
        for worker in list(self._workers):
            if worker.batch is not None and worker.get_busy_seconds() >= limit:
                self._replace_worker(worker, f"run() took more than run_invocation_timeout ({limit:g} s)")

    def _check_limits(self) -> None:
        """Raise StepFailed if more items or batches have failed than the options allow."""
        report, options = self._report, self._options
        if options.error_threshold is not None and report.failed_items > options.error_threshold:
            message = "{} items have failed, more than error_threshold ({})."
            raise StepFailed(
                self._format_with_first_error(message.format(report.failed_items, options.error_threshold))
            )
        if options.allowed_failed_count is not None and report.failed_batches > options.allowed_failed_count:
            message = "{} mini batches have failed, more than allowed_failed_count ({})."
            text = message.format(report.failed_batches, options.allowed_failed_count)
            raise StepFailed(self._format_with_first_error(text))
        percent = 100.0 * report.failed_batches / report.batch_count
        if options.allowed_failed_percent is not None and percent > options.allowed_failed_percent:
            message = "{:g} % of the mini batches have failed, more than allowed_failed_percent ({:g})."
            raise StepFailed(self._format_with_first_error(message.format(percent, options.allowed_failed_percent)))

    def _format_with_first_error(self, message: str) -> str:
        """Return an error message, followed by the first error of a batch if there was one."""
        first = self._report.first_error
        return message if first is None else f"{message} The first error:\n{first}"

    def _write_rows(self) -> None:
        """Write the rows of all batches, in order, to the output file atomically, if the step appends rows."""
        if not self._options.is_appending or self._options.output_folder is None:
            return
        os.makedirs(self._options.output_folder, exist_ok=True)
        path = os.path.join(self._options.output_folder, self._options.file_name)
        temporary = path + ".tmp"
        with open(temporary, "wb") as output:
            for index in sorted(self._rows):
                with open(self._rows[index], "rb") as rows:
                    shutil.copyfileobj(rows, output)
            output.flush()
            os.fsync(output.fileno())
        os.replace(temporary, path)

    def _stop_workers(self, is_killing: bool) -> None:
        """Close the listener and stop all workers, killing workers that are not ready or, with `is_killing`, all."""
        if self._listener is not None:  # first, so that no node waits to be admitted
            self._listener.close()
        for pending in self._pending_connections:
            pending.close()
        for worker in self._workers:
            if is_killing or not worker.is_ready:
                worker.kill()
            else:
                worker.shut_down()
        self._workers = []
        self._selector.close()
