"""Dispatch of messages about ended runs to addresses, each of which is served by a thread of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.program_log import log_exception
from mlrun_cli.errors import NotFound
from mlrun_cli.notifications.address import redact_address
from mlrun_cli.notifications.rules import read_rules
from mlrun_cli.notifications.spool import NotificationSpool, SpooledNotification
from mlrun_cli.notifier.message import build_message
from mlrun_cli.notifier.sending import SendingFailed, send_message
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace


class _Delivery(NamedTuple):
    """The delivery of a message to one address, pending or ended."""

    run_key: int
    notification: SpooledNotification
    address_index: int
    address: str
    warning: str | None = None

    def send(self) -> _Delivery:
        """Send the message and record the attempt; return the delivery, with a warning if sending failed."""
        ended = self
        try:
            assert self.notification.message is not None
            send_message(self.address, self.notification.message)
        except SendingFailed as error:
            ended = self._replace(warning=f"No notification to {redact_address(self.address)}: {error}")
        except Exception:  # the other runs are notified of
            log_exception()
        try:
            self.notification.record_sending(self.address_index)
        except OSError:  # it may be sent once more
            log_exception()
        return ended


class NotificationDispatch:
    """Sends messages about ended runs; a slow address does not delay the others."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._queues: dict[str, SimpleQueue[_Delivery]] = {}
        self._ended: SimpleQueue[_Delivery] = SimpleQueue()
        self._warnings: dict[int, list[str]] = {}
        self._count = 0

    def notify(self, spool: NotificationSpool, run_id: str, *, is_abandoned: bool = False) -> None:
        """Begin to send a message about an ended run to each of its addresses; failures become warnings of the run.

        About one that another process has left, the message has no lines of the log: its secrets are not known here.
        """
        try:
            notification = spool.open_notification(run_id)
            try:
                run = self._workspace.runs.get(run_id)
            except NotFound:
                notification.remove()
                return
            if not self._claim_notification(notification, run, includes_log=not is_abandoned):
                notification.remove()
                return
            self._warnings[run.key] = []
            addresses = notification.addresses or ()
            for address_index in sorted(notification.unsent):
                self._enqueue(_Delivery(run.key, notification, address_index, addresses[address_index]))
            self._complete_ended_deliveries()
        except Exception:  # the other runs are notified of
            log_exception()

    def finish(self) -> None:
        """Wait until all messages have been sent or have failed."""
        while self._count:
            self._complete_delivery(self._ended.get())

    def _claim_notification(self, notification: SpooledNotification, run: Run, *, includes_log: bool) -> bool:
        """Claim the notification about a run if nobody has claimed it yet; return whether anything is to be sent."""
        folder = self._workspace.get_run_folder(run.run_id)
        is_claimed = notification.addresses is not None
        if not is_claimed:
            if not run.status.is_terminal or folder.notified.exists():
                return False
            addresses = self._list_addresses(run)
            if addresses:
                notification.begin(addresses, build_message(self._workspace, run, includes_log=includes_log))
        try:
            os.close(os.open(folder.notified, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            if not is_claimed:
                return False
        except OSError:  # the run has been deleted
            log_exception()
            return False
        folder.notify.unlink(missing_ok=True)
        return bool(notification.unsent)

    def _list_addresses(self, run: Run) -> Sequence[str]:
        given = (read_json(self._workspace.get_run_folder(run.run_id).notify) or {}).get("addresses", ())
        rules = () if run.parent_run_id is not None else read_rules(self._workspace.folder)
        matching = [rule.address for rule in rules if rule.matches(run.status.value.lower(), run.experiment_name)]
        return list(dict.fromkeys([*map(str, given), *matching]))

    def _enqueue(self, delivery: _Delivery) -> None:
        if delivery.address not in self._queues:
            self._queues[delivery.address] = SimpleQueue()
            threading.Thread(
                target=self._send_queued_deliveries, args=[self._queues[delivery.address]], daemon=True
            ).start()
        self._queues[delivery.address].put(delivery)
        self._count += 1

    def _send_queued_deliveries(self, queue: SimpleQueue[_Delivery]) -> None:
        while True:
            self._ended.put(queue.get().send())

    def _complete_ended_deliveries(self) -> None:
        while True:
            try:
                ended = self._ended.get_nowait()
            except Empty:
                return
            self._complete_delivery(ended)

    def _complete_delivery(self, ended: _Delivery) -> None:
        """Register an ended delivery; after the last one of a run, add the run's new warnings."""
        self._count -= 1
        notification, warnings = ended.notification, self._warnings[ended.run_key]
        if ended.warning is not None:
            warnings.append(ended.warning)
        notification.unsent.discard(ended.address_index)
        if notification.unsent:
            return
        notification.remove()
        del self._warnings[ended.run_key]
        if warnings:
            self._add_warnings(ended.run_key, warnings)

    def _add_warnings(self, run_key: int, warnings: Sequence[str]) -> None:
        try:
            with self._workspace.transaction():
                before = self._workspace.runs.get_by_key(run_key).warnings
                self._workspace.runs.update(run_key, warnings=[*before, *warnings])
        except Exception:  # the other runs are notified of
            log_exception()
