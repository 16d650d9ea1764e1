"""What the studio keeps in a home: its token, and the addresses under which it is, or was last, served."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.locks import lock
from mlrun_cli.core.temporary import temporary_beside
from mlrun_cli.errors import StoreError
from mlrun_cli.serving.urls import DEFAULT_PORT

_TOKEN_BYTES = 24
_LEAST_TOKEN = 16
_HOST_BYTES = 8
_OTHERS = 0o077


class StudioFolder:
    """`$MLRUN_HOME/studio`."""

    def __init__(self, home: Path) -> None:
        self.path = home / "studio"
        self._token = self.path / "token"
        self._host = self.path / "host"
        self._address = self.path / "address.json"
        self._serving = self.path / "serving"
        self._door = self.path / "door.html"

    def token(self) -> str:
        """The token, which is made the first time.

        Raises:
            StoreError: the folder cannot be written, or others can read the token.
        """
        make_private_folder(self.path)
        try:
            with suppress(FileExistsError):
                self._write_token()
            if self._token.stat().st_mode & _OTHERS:
                raise StoreError(
                    f"Others than you can read {self._token}, the key to the studio.",
                    hint=f"Remove it ('rm {self._token}'); the next start makes a new one.",
                )
            token = self._token.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise StoreError(
                f"The studio's token {self._token} cannot be read or made: {getattr(error, 'strerror', None) or error}."
            ) from error
        if len(token) < _LEAST_TOKEN:
            raise StoreError(f"{self._token} holds no token.", hint="Remove the file; the next start makes a new one.")
        return token

    def own_host(self) -> str:
        """Return the host name by which browsers ask for this home's studio; it is made the first time.

        Browsers resolve all that ends in `.localhost` to this machine. Nobody else can guess the name, so that no page
        of another program on this machine can have the browser ask for it under that program's own port.

        Raises:
            StoreError: the file that keeps it cannot be written or read.
        """
        try:
            make_private_folder(self.path)
            if not self._host.exists():
                with suppress(FileExistsError), _written(self._host, os.urandom(_HOST_BYTES).hex()) as temporary:
                    os.link(temporary, self._host)
            name = self._host.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self._host} cannot be read or made: {getattr(error, 'strerror', None) or error}."
            ) from error
        if len(name) != 2 * _HOST_BYTES or not name.isalnum():
            raise StoreError(f"{self._host} holds no name.", hint="Remove the file; the next start makes a new one.")
        return f"mlrun-{name}.localhost"

    def address(self) -> str:
        """Where the studio is served, the one that began last, else where it was, else the usual one; without token."""
        document = None
        with suppress(OSError):
            alive = next((path for path in self._served() if _is_held(path)), self._address)
            document = read_json(alive)
        return str((document or {}).get("address") or self._usual_address())

    def _usual_address(self) -> str:
        host = "127.0.0.1"
        with suppress(StoreError):  # an address is no reason to fail: this one asks for the token
            host = self.own_host()
        return f"http://{host}:{DEFAULT_PORT}"

    @contextmanager
    def served_at(self, address: str) -> Iterator[None]:
        """Note where this process serves the studio, for as long as the block lasts.

        The note is a file that the process holds a lock of: that of one that was killed is not believed.

        Raises:
            StoreError: the folder cannot be written.
        """
        try:
            make_private_folder(self._serving)
            for path in self._served():
                if not _is_held(path):
                    path.unlink(missing_ok=True)
            write_json(self._address, {"address": address})
            note = self._serving / f"{time.time_ns():020}-{os.getpid()}.json"
            temporary = note.with_suffix(".new")
            write_json(temporary, {"address": address})
            held = os.open(temporary, os.O_RDONLY)
            lock(held, fcntl.LOCK_EX)
            temporary.replace(note)
        except OSError as error:
            raise StoreError(f"{error.filename or self.path} cannot be written: {error.strerror}.") from error
        try:
            yield
        finally:
            note.unlink(missing_ok=True)
            os.close(held)

    def _served(self) -> list[Path]:
        """The notes of where it is served, the newest first."""
        try:
            return sorted(self._serving.glob("*.json"), reverse=True)
        except OSError:
            return []

    def door(self, address: str) -> Path:
        """A page for this user alone that leads to the address with the token.

        A browser is started with its name: words of a command line can be read by others on the machine.

        Raises:
            StoreError: the folder cannot be written, or others can read the token.
        """
        from html import escape  # noqa: PLC0415
        from urllib.parse import urlsplit  # noqa: PLC0415

        joint = "&" if urlsplit(address).query else "?"
        leads_to = escape(f"{address}{joint}token={self.token()}")
        page = f'<!doctype html>\n<meta charset="utf-8">\n<meta http-equiv="refresh" content="0; url={leads_to}">\n'
        try:
            with _written(self._door, page) as temporary:
                temporary.replace(self._door)
        except OSError as error:
            raise StoreError(f"{self._door} cannot be written: {error.strerror}.") from error
        return self._door

    def _write_token(self) -> None:
        """Make it whole at once: two that start at the same time must agree on one."""
        import secrets  # noqa: PLC0415 — whoever prints an address does without

        with _written(self._token, secrets.token_urlsafe(_TOKEN_BYTES)) as temporary:
            os.link(temporary, self._token)


def _is_held(path: Path) -> bool:
    """Whether the process is alive that has written a note."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        lock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _written(path: Path, text: str) -> Iterator[Path]:
    """A new file beside a path, for this user alone, to be put in its place."""
    with temporary_beside(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        yield temporary
