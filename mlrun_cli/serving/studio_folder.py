"""The studio's state in a home: its token, its host name, and the URLs of running and earlier studios."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.local_folder import get_counterpart, rename_with_locks
from mlrun_cli.core.locks import lock, open_lock_file
from mlrun_cli.core.temporary import make_temporary_path
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import StoreError
from mlrun_cli.processes.host_lease import RENEWAL_SECONDS, find_lease
from mlrun_cli.processes.lease_records import LEASE_SECONDS
from mlrun_cli.serving.urls import DEFAULT_PORT
from mlrun_cli.wire.background_threads import start_background_thread

if TYPE_CHECKING:
    from mlrun_cli.processes.host_lease import HostLease

_TOKEN_BYTES = 24
_MIN_TOKEN_CHARACTERS = 16
_HOST_BYTES = 8
_GROUP_AND_OTHERS = 0o077


class StudioFolder:
    """The folder `$MLRUN_HOME/studio`, which contains the studio's state.

    Unless it `creates` files there, as in a home that another host uses, what is missing is created in the home's local
    folder. So a studio that only reads such a home is known to its own host alone.
    """

    def __init__(self, home: Path, *, creates: bool = True) -> None:
        self._creates = creates
        self.path = home / "studio"
        self._token = self._choose_place("token")
        self._host = self._choose_place("host")
        self._last_url = self.path / "address.json"
        self._registrations = self.path / "serving"
        page = self.path / "door.html"
        self._redirect_page = page if creates else get_counterpart(page)

    def _choose_place(self, name: str) -> Path:
        """Return the path of a file in this folder, or of one in the local folder if it may not be created here."""
        path = self.path / name
        return path if self._creates or path.exists() else get_counterpart(path)

    def read_or_create_token(self) -> str:
        """Return the token, creating it first if it does not exist.

        Raises:
            StoreError: the folder cannot be written, or others can read the token.
        """
        make_private_folder(self._token.parent)
        try:
            if not self._token.exists():
                with suppress(FileExistsError):
                    self._create_token()
            if self._token.stat().st_mode & _GROUP_AND_OTHERS:
                raise StoreError(
                    f"Other users can read {self._token}, which opens the studio.",
                    hint=f"Remove it ('rm {self._token}'); the next start creates a new one.",
                )
            token = self._token.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self._token} cannot be read or created: {getattr(error, 'strerror', None) or error}."
            ) from error
        if len(token) < _MIN_TOKEN_CHARACTERS:
            raise StoreError(
                f"{self._token} is not a token.", hint="Remove the file; the next start creates a new one."
            )
        return token

    def read_or_create_host(self) -> str:
        """Return the studio's own host name, creating it first if it does not exist.

        Browsers resolve names below `.localhost` to this machine. The name cannot be guessed, so a page of another
        server on this machine cannot have browsers send requests under it to that server's port.

        Raises:
            StoreError: its file cannot be written or read.
        """
        try:
            if not self._host.exists():
                make_private_folder(self._host.parent)
                name = os.urandom(_HOST_BYTES).hex()
                with suppress(FileExistsError), _create_private_file(self._host, name) as temporary:
                    os.link(temporary, self._host)
            name = self._host.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self._host} cannot be read or created: {getattr(error, 'strerror', None) or error}."
            ) from error
        if len(name) != 2 * _HOST_BYTES or not name.isalnum():
            raise StoreError(
                f"{self._host} is not a host name.", hint="Remove the file; the next start creates a new one."
            )
        return f"mlrun-{name}.localhost"

    def read_or_create_api_key(self) -> str:
        """Return the API key for programs, derived from the token without revealing it; the token is created if needed.

        Raises:
            StoreError: the token cannot be read or created.
        """
        return derive_key(self.read_or_create_token(), "api")

    def get_url(self) -> str:
        """Return the studio's URL, without its token.

        If several studios run, it is the URL of the one started last; if none runs, the last kept one or the default.
        """
        return str(self._read_registration().get("address") or self._build_default_url())

    def get_api_url(self) -> str:
        """Return the studio's URL for programs that may be unable to resolve the host name in `get_url()`."""
        return str(self._read_registration().get("apiAddress") or f"http://127.0.0.1:{DEFAULT_PORT}")

    def find_url_elsewhere(self, lease: HostLease) -> str | None:
        """Return the URL of the newest studio on the other host whose lease is followed, or None if none runs there.

        One that was killed counts as running for a minute, as that host's lease does.

        Raises:
            OSError: the home cannot be read.
        """
        term, used_at = lease.read_term_and_last_use()
        for path in sorted(self._registrations.glob("*.json"), reverse=True):
            document = read_json(path) or {}
            renewed_at = document.get("used_at", 0) if document.get("turn") == term else 0
            if used_at - renewed_at <= LEASE_SECONDS * MICROSECONDS:
                return str(document.get("address"))
        return None

    def is_running(self) -> bool:
        """Return whether a studio serves this home."""
        return any(map(_is_locked, self._list_registrations()))

    def _read_registration(self) -> dict[str, Any]:
        """Return the registration of the newest running studio, or else of the last one; empty if there is none."""
        with suppress(OSError):
            running = next((path for path in self._list_registrations() if _is_locked(path)), self._last_url)
            return read_json(running) or {}
        return {}

    def _build_default_url(self) -> str:
        host = "127.0.0.1"
        with suppress(StoreError):  # a URL must not make a command fail: this one leads to the sign-in page
            host = self.read_or_create_host()
        return f"http://{host}:{DEFAULT_PORT}"

    @contextmanager
    def register_urls(self, url: str, api_url: str, *, are_lasting: bool) -> Iterator[None]:
        """Register, for the duration of the block, the URLs under which this process serves the studio.

        They are kept beyond it if they `are_lasting`, so that a studio started again would have them too. The
        process holds a lock on the file of its registration, so that one left by a killed process is ignored. Other
        hosts, which do not see the lock, see that the registration is renewed.

        Raises:
            StoreError: the folder cannot be written.
        """
        document = {"address": url, "apiAddress": api_url}
        try:
            if are_lasting and self._creates:
                make_private_folder(self.path)
                write_json(self._last_url, document)
            registration, descriptor = self._register(document)
        except OSError as error:
            raise StoreError(f"{error.filename or self.path} cannot be written: {error.strerror}.") from error
        is_over = Event()
        lease = find_lease(registration)
        renewing = None
        if lease is not None:
            renewing = start_background_thread(_keep_renewed, registration, document, lease, is_over)
        try:
            yield
        finally:
            is_over.set()
            if renewing is not None:
                renewing.join()  # it would write the registration once more
            registration.unlink(missing_ok=True)
            get_counterpart(registration).unlink(missing_ok=True)
            os.close(descriptor)

    def _register(self, document: Mapping[str, Any]) -> tuple[Path, int]:
        """Write a registration; return its path and the descriptor of its lock.

        Raises:
            OSError: the folder cannot be written.
            StoreError: the folder cannot be created.
        """
        folder = self._registrations if self._creates else get_counterpart(self._registrations)
        make_private_folder(folder)
        for path in self._list_registrations():
            if path.parent == folder and not _is_locked(path):
                path.unlink(missing_ok=True)
        registration = folder / f"{time.time_ns():020}-{os.getpid()}.json"
        temporary = registration.with_suffix(".new")
        lease = find_lease(registration)
        write_json(temporary, document if lease is None else _add_last_use(document, lease))
        descriptor = open_lock_file(temporary)
        lock(descriptor, fcntl.LOCK_EX)
        rename_with_locks(temporary, registration)
        return registration, descriptor

    def _list_registrations(self) -> list[Path]:
        """Return the paths of the registration files of this host's studios, newest first.

        Those of other hosts may be among them, as may files that are only locks; nobody holds a lock on them.
        """
        found: dict[str, Path] = {}
        for folder in (get_counterpart(self._registrations), self._registrations):
            with suppress(OSError):
                found.update((path.name, path) for path in folder.glob("*.json"))
        return [found[name] for name in sorted(found, reverse=True)]

    def write_redirect_page(self, url: str) -> Path:
        """Write a private page that redirects to the URL with the token, and return the page's path.

        A browser is started with this page, because other users of the machine can read command lines.

        Raises:
            StoreError: the folder cannot be written, or others can read the token.
        """
        from html import escape  # noqa: PLC0415
        from urllib.parse import urlsplit  # noqa: PLC0415

        separator = "&" if urlsplit(url).query else "?"
        target = escape(f"{url}{separator}token={self.read_or_create_token()}")
        page = f'<!doctype html>\n<meta charset="utf-8">\n<meta http-equiv="refresh" content="0; url={target}">\n'
        try:
            make_private_folder(self._redirect_page.parent)
            with _create_private_file(self._redirect_page, page) as temporary:
                temporary.replace(self._redirect_page)
        except OSError as error:
            raise StoreError(f"{self._redirect_page} cannot be written: {error.strerror}.") from error
        return self._redirect_page

    def _create_token(self) -> None:
        """Create the token atomically, so that concurrently started studios use the same one."""
        import secrets  # noqa: PLC0415 — commands that print a URL do not need it

        with _create_private_file(self._token, secrets.token_urlsafe(_TOKEN_BYTES)) as temporary:
            os.link(temporary, self._token)


def derive_key(token: str, purpose: str, suffix: str = "") -> str:
    """Return a hexadecimal key for a purpose, derived from the token with HMAC-SHA256."""
    import hashlib  # noqa: PLC0415 - commands that print a URL do not need it
    import hmac  # noqa: PLC0415

    return hmac.new(token.encode(), f"{purpose}\0{suffix}".encode(), hashlib.sha256).hexdigest()


def _add_last_use(document: Mapping[str, Any], lease: HostLease) -> dict[str, Any]:
    """Return a registration with the term and time of the last use of the home, by the file server's clock.

    Raises:
        OSError: the home cannot be read.
    """
    term, used_at = lease.read_term_and_last_use()
    return {**document, "turn": term, "used_at": used_at}


def _keep_renewed(registration: Path, document: Mapping[str, Any], lease: HostLease, is_over: Event) -> None:
    """Keep writing to a registration when its home was last used, which its process sees to as well."""
    while not is_over.wait(RENEWAL_SECONDS):
        with suppress(OSError):
            if registration.exists() and lease.is_held_here():
                write_json(registration, _add_last_use(document, lease))


def _is_locked(path: Path) -> bool:
    """Return whether a process holds the lock on a registration file; False if the file is missing."""
    try:
        descriptor = os.open(get_counterpart(path), os.O_RDONLY)
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
def _create_private_file(path: Path, text: str) -> Iterator[Path]:
    """Yield the path of a new private file with `text`, created beside `path` for the caller to move to `path`."""
    with make_temporary_path(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        yield temporary
