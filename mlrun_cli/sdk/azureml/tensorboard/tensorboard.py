"""TensorBoard for the event files of runs."""

import os
import re
import sys
import tempfile
from threading import Event
from typing import Any, Dict, List, Optional, Tuple

from azureml._client.client import get_client
from azureml._wire.background_threads import start_background_thread
from azureml._wire.run_folder import UPLOADS
from azureml._wire.tensorboard import DEFAULT_PORT, EventCopies, TensorboardServer, find_tensorboard
from azureml.exceptions import UserErrorException

__all__ = ["Tensorboard"]

_UPDATE_SECONDS = 2.0


class Tensorboard:
    """A TensorBoard on this machine that shows the growing event files of runs.

    The program `tensorboard` is looked for on PATH and beside this Python.
    """

    def __init__(
        self,
        runs: Any,
        local_root: "str | None" = None,
        port: int = DEFAULT_PORT,
        use_display_name: bool = False,
    ) -> None:
        """Initialize a TensorBoard for one or several runs.

        Args:
            runs: A run or a list of runs.
            local_root: The folder of the copies of event files; by default a temporary one.
            port: The port; the next free one if it is in use.
            use_display_name: Whether TensorBoard lists the runs by their display names, and then their ids.
        """
        self._runs: List[Any] = list(runs) if isinstance(runs, (list, tuple)) else [runs]
        self._local_root = local_root
        self._port = port
        self._use_display_name = use_display_name
        self._server: Optional[TensorboardServer] = None
        self._end = Event()

    def start(self, start_browser: bool = False) -> str:
        """Start TensorBoard unless it is running, optionally open its page in a browser, and return its URL.

        Raises:
            UserErrorException: TensorBoard is not installed, or does not start.
        """
        if self._server is not None:
            return self._server.url
        program = find_tensorboard([sys.executable])
        if program is None:
            raise UserErrorException("The program 'tensorboard' is not on PATH: pip install tensorboard.")
        folder = self._local_root or tempfile.mkdtemp(prefix="mlrun-tensorboard-")
        copies = EventCopies(os.path.abspath(folder), self._list_run_folders())
        copies.update()
        server = TensorboardServer(program, copies.folder, self._port)
        if not server.wait_until_ready():
            server.stop()
            raise UserErrorException(f"{program} has not started: try it in a terminal.")
        self._server, self._end = server, Event()
        start_background_thread(self._keep_copies_updated, copies, self._end)
        import atexit

        atexit.register(self.stop)
        if start_browser:
            import webbrowser

            webbrowser.open(server.url)
        return server.url

    def stop(self) -> None:
        """Stop TensorBoard if it is running; the copied event files remain in `local_root`."""
        server, self._server = self._server, None
        self._end.set()
        if server is not None:
            server.stop()

    def _list_run_folders(self) -> "Dict[str, Tuple[str, str]]":
        """Return each run's two folders of event files, keyed by the relative folder to which the files are copied."""
        roots = {}
        for run in self._runs:
            folder = get_client().get_run_folder(run._names, run.id)
            shown = re.sub(r"[^\w-]+", "_", run.display_name) if self._use_display_name else ""
            roots[os.path.join(shown, run.id)] = (os.path.join(folder, "work"), os.path.join(folder, UPLOADS))
        return roots

    @staticmethod
    def _keep_copies_updated(copies: EventCopies, stop_event: Event) -> None:
        """Update the copies of event files periodically, until the event is set."""
        while not stop_event.wait(_UPDATE_SECONDS):
            copies.update()
