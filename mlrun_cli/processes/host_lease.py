"""The lease of a home on a network file system, which only one host at a time may use.

Such a file system has no locks to rely on, so the lease is made of what all of them do: a file is created by one host
only (`O_EXCL`), a rename is atomic, and an open reads anew. The folder `hosts` of the home contains

- `current`: the record of the host that has the home, written once by that host, under a temporary name, and renamed;
- a file for each term, named by its number: the host that creates it has the term, and then writes in it when the home
  was last in use there, by the clock of the file server.

A host takes the next term if the last use is longer ago than a lease, or if a user says that the other host is gone.
A process that only reads leaves the term to a host that uses the home, writes nothing, and follows its uses instead.
Every transaction compares `current` with what it was, so a host that has lost its term writes nothing any more.
On one host, processes know each other by a random word that is in `current` and in the home's local folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.home import get_file_system_type, is_network_file_system, make_private_folder
from mlrun_cli.core.local_folder import get_or_create_base_folder, is_private, set_local_folder
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import HomeInUse, StoreError, StoreUnavailable
from mlrun_cli.processes.host import Origin, get_origin
from mlrun_cli.wire.background_threads import start_background_thread

LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 15.0
SEEN_SECONDS = 2 * RENEWAL_SECONDS
"""The age that the last use of a home does not reach while its host uses it."""
_REFUSAL_SECONDS = 1.0
"""The time for which a refusal is repeated without a further look."""
_ACQUIRE_SECONDS = 5.0
"""The time that a host has from the creation of its term's file until it has renamed `current`, with a margin."""
_LONGEST_ACQUIRE_SECONDS = 2.0
_LOOK_SECONDS = 0.05
_RECORD_BYTES = 1024
"""The size of all files: an attribute cache that knows an old size then knows the right one."""

_leases: dict[Path, HostLease] = {}


def open_home(home: Path, *, take_over: bool = False, only_reads: bool = False) -> None:
    """Prepare this process to use a home; acquire the home's lease for this host if it is on a network file system.

    Args:
        home: the folder of all workspaces, which exists.
        take_over: whether to acquire the lease even from a host that uses the home.
        only_reads: whether to follow the lease of a host that uses the home, instead of raising.

    Raises:
        HomeInUse: another host uses it.
        StoreError: it cannot be used.
    """
    lease = _leases.get(home)
    if lease is None:
        if not (home / "hosts").is_dir() and not is_network_file_system(get_file_system_type(home)):
            return
        lease = HostLease(home)
    if only_reads and (home not in _leases or lease.refusal is not None):
        lease.acquire_or_follow()
    else:
        lease.acquire(take_over=take_over)
    _leases[home] = lease


@contextmanager
def hold_home(home: Path, *, only_reads: bool = False) -> Iterator[None]:
    """Prepare this process to use a home, and renew this host's lease during the block; see `open_home`.

    Raises:
        HomeInUse: another host uses it.
        StoreError: it cannot be used.
    """
    open_home(home, only_reads=only_reads)
    if home not in _leases:
        yield
        return
    is_over = threading.Event()

    def keep_lease() -> None:
        while not is_over.wait(RENEWAL_SECONDS):
            with suppress(StoreError):  # whoever uses the store next is told
                renew_lease_if_due(home)

    start_background_thread(keep_lease)
    try:
        yield
    finally:
        is_over.set()


def renew_lease_if_due(home: Path) -> None:
    """Renew the lease of a home if this host has it and that is due, for processes that do not use the store for long.

    Raises:
        HomeInUse: another host has the home now.
        StoreUnavailable: the home is not there, or cannot be written.
    """
    lease = _leases.get(home)
    if lease is not None and lease.refusal is None and lease.is_renewal_due():
        lease.check_and_renew()


def find_lease(path: Path) -> HostLease | None:
    """Return the lease of the home that contains a path, or None for a home on a local disk."""
    return next((lease for home, lease in _leases.items() if path.is_relative_to(home)), None)


def is_used_elsewhere(path: Path) -> bool:
    """Return whether this process follows another host's lease of the home that contains a path, and so only reads."""
    lease = find_lease(path)
    return lease is not None and lease.refusal is not None


def read_host(home: Path) -> str:
    """Return the host that has the lease of a home, by what is written there."""
    with suppress(OSError):
        return str(_parse_lease_record(_read_file(home / "hosts" / "current")).get("host", "another host"))
    return "another host"


def describe_home(home: Path) -> dict[str, Any]:
    """Return the mode of a home, its file system and, if that is a network file system, its lease."""
    lease = find_lease(home)
    file_system = get_file_system_type(home)
    if lease is None:
        return {"fileSystem": file_system, "mode": "local"}
    return {"fileSystem": file_system, "mode": "network", **lease.describe()}


class HostLease:
    """The lease of a home from the point of view of this process.

    Attributes:
        home: the home.
        term: the number of the term that this host has, or of the other host's term that is followed.
        term_id: what tells that term from all others; its number is given again if `hosts` is lost or restored.
        folder: the home's local folder.
        refusal: the error for whatever would write, if another host's lease is followed.
    """

    term: int
    term_id: str
    folder: Path
    refusal: StoreUnavailable | None

    def __init__(self, home: Path) -> None:
        self.home = home
        self._hosts = home / "hosts"
        self._current = b""
        self._renew_at = 0.0
        self._refused: tuple[float, HomeInUse] | None = None
        self.refusal = None
        self._last_seen: tuple[tuple[int, int], float] = ((0, 0), 0.0)
        """The last use by the other host while its lease is followed, and when it was first seen here."""

    def is_renewal_due(self) -> bool:
        """Return whether the lease is due to be renewed."""
        return time.monotonic() >= self._renew_at

    def check_and_renew(self) -> None:
        """Verify that this host still holds the lease, and renew it if that is due.

        Raises:
            HomeInUse: another host has the home now.
            StoreUnavailable: the home is not there, or cannot be written.
        """
        try:
            is_ours = (
                bool(self._current) and self.refusal is None and _read_file(self._hosts / "current") == self._current
            )
            if is_ours and not self.is_renewal_due():
                return
            if is_ours:
                self._renew()
                return
        except OSError as error:
            raise _build_unavailable_error(self.home, error) from error
        self.acquire()

    def acquire(self, *, take_over: bool = False) -> None:
        """Acquire the lease for this host; raise if another host uses the home.

        Raises:
            HomeInUse: another host uses it.
            StoreUnavailable: the home is not there, or cannot be written.
        """
        if self._refused is not None and not take_over and time.monotonic() - self._refused[0] < _REFUSAL_SECONDS:
            raise self._refused[1].with_traceback(None)
        try:
            make_private_folder(self._hosts)
            with _lock_host(self.home):
                while not self._try_to_acquire(take_over=take_over):
                    time.sleep(_LOOK_SECONDS)
        except HomeInUse as error:
            self._refused = (time.monotonic(), error)
            raise
        except OSError as error:
            raise _build_unavailable_error(self.home, error) from error
        set_local_folder(self.home, self.folder)

    def acquire_or_follow(self) -> None:
        """Acquire the lease for this host, or follow another host's lease on the home without writing to it.

        The time of the file server can be had only by a write. So this machine's clock is asked first whether the
        lease is held, and the file server's only if it says no. An expired lease is followed too if it cannot be
        acquired, as on a full disk.

        Raises:
            StoreError: the home cannot be used.
        """
        try:
            record = _parse_lease_record(_read_file(self._hosts / "current"))
            is_other = bool(record) and not _is_from_this_host(record)
            try:
                if is_other and not _is_of_earlier_boot(record):
                    self._check_lease_expired(record, time.time_ns() // 1000)
                self.acquire()
            except StoreUnavailable as error:
                if not is_other and not isinstance(error, HomeInUse):
                    raise
                self._follow_other_host(error)
        except OSError as error:
            raise _build_unavailable_error(self.home, error) from error

    def _follow_other_host(self, refusal: StoreUnavailable) -> None:
        self._current = _read_file(self._hosts / "current")
        record = _parse_lease_record(self._current)
        if not record:
            raise refusal
        self._set_term(record)
        self.folder, self.refusal = get_or_create_base_folder() / record["home"], refusal
        self.folder.mkdir(mode=0o700, exist_ok=True)
        set_local_folder(self.home, self.folder)
        self._last_seen = (self.read_term_and_last_use(), time.monotonic())

    def check_in_use_elsewhere(self) -> None:
        """Raise unless the host whose lease is followed still uses the home; do nothing if this host holds the lease.

        No clocks are compared.

        Raises:
            StoreUnavailable: it does not any more, and nobody ends the runs that were lost with it.
        """
        if self.refusal is None:
            return
        seen, seen_at = self._last_seen
        now = time.monotonic()
        try:
            use = self.read_term_and_last_use()
        except OSError as error:
            raise _build_unavailable_error(self.home, error) from error
        if use != seen:
            self._last_seen = (use, now)
        elif now - seen_at > LEASE_SECONDS:
            raise StoreUnavailable(
                f"The home {self.home} has not been in use from {self.describe()['host']} for {now - seen_at:.0f} s.",
                hint="Repeat the command: it takes the home for this host.",
                target=self.home,
            )

    def is_held_here(self) -> bool:
        """Return whether this host has the home, by what another process of this host may have done meanwhile.

        Raises:
            OSError: the home cannot be read.
        """
        record = _parse_lease_record(_read_file(self._hosts / "current"))
        return bool(record) and _is_from_this_host(record)

    def build_refusal(self) -> StoreUnavailable:
        """Return the error for whatever would write while another host's lease is followed, as of now.

        Raises:
            StoreUnavailable: the home is not there.
        """
        if self.refusal is not None and not isinstance(self.refusal, HomeInUse):
            return self.refusal
        return _build_in_use_error(self.home, *self.describe_use())

    def read_term_and_last_use(self) -> tuple[int, int]:
        """Return the current term's number and the time of last use of the home in this term.

        Raises:
            OSError: the home cannot be read.
        """
        term = _parse_record(_read_file(self._hosts / "current")).get("turn", 0)
        return term, self._read_last_use(term)

    def _read_last_use(self, term: int) -> int:
        """Return the time of the home's last use in a term, by the file server's clock; 0 if it is unknown."""
        return int(_parse_record(_read_file(self._hosts / str(term))).get("used_at", 0))

    def describe(self) -> dict[str, Any]:
        """Return a record of the lease: its host, its term number, and the local folder."""
        return {"host": _parse_record(self._current)["host"], "localFolder": str(self.folder), "turn": self.term}

    def describe_use(self) -> tuple[str, int]:
        """Return the host that holds the lease, and the seconds since it last used the home, by this machine's clock.

        Raises:
            StoreUnavailable: the home is not there.
        """
        try:
            record = _parse_lease_record(_read_file(self._hosts / "current")) or _parse_lease_record(self._current)
            used_at = self._read_last_use(record["turn"])
        except OSError as error:
            raise _build_unavailable_error(self.home, error) from error
        return record["host"], max(0, round((time.time_ns() // 1000 - used_at) / MICROSECONDS))

    def _try_to_acquire(self, *, take_over: bool) -> bool:
        """Adopt or acquire the lease; return False if the caller should try again."""
        raw = self._read_current_record()
        record = _parse_lease_record(raw)
        if raw and not record and not take_over:
            raise _build_damaged_error(self._hosts / "current")
        if record and _is_from_this_host(record):
            self._adopt_record(raw)
            self._renew()
            return True
        term = record.get("turn", 0)
        if record and not take_over and not _is_of_earlier_boot(record):
            self._check_lease_expired(record, self._read_server_time())
        won = self._create_term(term)
        if won is None:
            return False
        number, deadline = won
        try:
            published = self._publish_term(number, deadline, record.get("home") or os.urandom(8).hex())
        except OSError:
            for name in (f".current-{number}", str(number)):
                self._remove_file(name)
            raise
        if published is None or _read_file(self._hosts / "current") != published:
            return False
        self._adopt_record(published)
        return True

    def _publish_term(self, number: int, deadline: float, home_id: str) -> bytes | None:
        """Write and return the record of this host's term, or return None if the deadline has passed.

        Raises:
            OSError: it cannot be written.
        """
        word = os.urandom(8).hex()
        folder = get_or_create_base_folder() / home_id
        folder.mkdir(mode=0o700, exist_ok=True)
        _write_file(folder / "holder", {"word": word})
        raw = _encode_record(
            {
                "turn": number,
                "home": home_id,
                "host": os.uname().nodename,
                "word": word,
                "folder": str(folder),
                **_describe_host(),
            }
        )
        unfinished = self._hosts / f".current-{number}"
        _write_file(unfinished, raw)
        if time.monotonic() > deadline:  # it stood still for so long that another host may have taken the next term
            unfinished.unlink(missing_ok=True)
            return None
        unfinished.rename(self._hosts / "current")
        for name in os.listdir(self._hosts):
            if name.isdigit() and int(name) < number:
                (self._hosts / name).unlink(missing_ok=True)
        return raw

    def _remove_file(self, name: str) -> None:
        """Remove a file that would delay the next host that takes the lease; ignore failures."""
        with suppress(OSError):
            (self._hosts / name).unlink(missing_ok=True)

    def _check_lease_expired(self, record: Mapping[str, Any], now: int) -> None:
        """Raise HomeInUse unless the lease of another host has expired at the time `now`."""
        elapsed = (now - self._read_last_use(record["turn"])) / MICROSECONDS
        if elapsed < LEASE_SECONDS:
            raise _build_in_use_error(self.home, record["host"], max(0, round(elapsed)))

    def _read_current_record(self) -> bytes:
        current = self._hosts / "current"
        if found := _read_file(current):
            return found
        self._read_server_time()  # a change in the folder: a client that remembers that there was no file asks again
        return _read_file(current)

    def _create_term(self, current_term: int) -> tuple[int, float] | None:
        """Create the file of the next term; return the term number and deadline, or None if another host was faster.

        The file of a host that died while it took the lease is passed over, once it has had the time for it.
        """
        number = current_term + 1
        while True:
            started = time.monotonic()
            path = self._hosts / str(number)
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            except FileExistsError:
                while time.monotonic() < started + _ACQUIRE_SECONDS:
                    if _parse_record(_read_file(self._hosts / "current")).get("turn", 0) != current_term:
                        return None
                    time.sleep(_LOOK_SECONDS)
                number += 1
                continue
            try:
                _write_file(path, {"used_at": self._read_server_time()})
            except OSError:
                self._remove_file(path.name)
                raise
            return number, started + _LONGEST_ACQUIRE_SECONDS

    def _adopt_record(self, encoded_record: bytes) -> None:
        """Set the term number and the local folder from a record of this host's lease."""
        record = _parse_record(encoded_record)
        self._set_term(record)
        self._current, self.folder = encoded_record, Path(record["folder"])
        self._renew_at = time.monotonic() + RENEWAL_SECONDS
        self._refused = self.refusal = None
        if not (self.folder / "holder").exists():
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            _write_file(self.folder / "holder", {"word": record["word"]})

    def _set_term(self, record: Mapping[str, Any]) -> None:
        self.term, self.term_id = record["turn"], f"{record['turn']} {record['word']}"

    def _renew(self) -> None:
        """Write the time of last use to the file of this host's term; no other host writes to this file."""
        path = self._hosts / str(self.term)
        used_at = self._read_last_use(self.term)
        now = self._read_server_time()
        if now - used_at >= RENEWAL_SECONDS * MICROSECONDS / 2:  # no other process of this host has just done it
            _write_file(path, {"used_at": now})
        os.utime(self.folder / "holder")  # for what removes old files from temporary folders
        self._renew_at = time.monotonic() + RENEWAL_SECONDS

    def _read_server_time(self) -> int:
        """Return the time by the clock of the file server, in microseconds; this works on a full disk, too."""
        probe = self._hosts / f".time-{os.urandom(8).hex()}"
        try:
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            return os.stat(probe).st_mtime_ns // 1000
        finally:
            probe.unlink(missing_ok=True)


@contextmanager
def _lock_host(home: Path) -> Iterator[None]:
    """Ensure that only one process of this host at a time acquires the lease of a home."""
    name = f"{zlib.crc32(os.fsencode(home.resolve())):08x}.lock"
    descriptor = os.open(get_or_create_base_folder() / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _describe_host() -> dict[str, str]:
    """Return this host's identifiers; they are equal for all processes that share locks."""
    mounts = ""
    with suppress(OSError):
        mounts = str(os.stat("/proc/self/ns/mnt").st_ino)
    return {**get_origin()._asdict(), "mount_namespace": mounts}


def _is_from_this_host(record: Mapping[str, Any]) -> bool:
    """Return whether this host wrote a record, judging by the token in its local folder or its description."""
    folder = Path(record["folder"])
    if is_private(folder.parent) and is_private(folder):
        word = _parse_record(_read_file(folder / "holder")).get("word")
        if word is not None:
            return bool(word == record["word"])
    return all(record.get(name) == value for name, value in _describe_host().items())


def _is_of_earlier_boot(record: Mapping[str, Any]) -> bool:
    """Return whether this machine wrote a record and has been rebooted since.

    Machines that were started from one image may have the same id.
    """
    here = get_origin()
    is_same_machine = record["host_id"] == here.host_id and record["host"] == os.uname().nodename
    return bool(is_same_machine and record["boot_id"] != here.boot_id)


def _read_file(path: Path) -> bytes:
    """Return the content of a file, bypassing caches, or empty bytes if there is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(descriptor, _RECORD_BYTES, 0)
    finally:
        os.close(descriptor)


def _write_file(path: Path, content: Mapping[str, Any] | bytes) -> None:
    """Write a small file in place, with a single write."""
    data = content if isinstance(content, bytes) else _encode_record(content)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, data, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encode_record(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record).encode().ljust(_RECORD_BYTES)


def _parse_record(encoded_record: bytes) -> dict[str, Any]:
    """Parse the content of a record's file; return an empty dict if no record has been completely written."""
    try:
        document = json.loads(encoded_record)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _parse_lease_record(encoded_record: bytes) -> dict[str, Any]:
    """Parse the content of `current`; return an empty dict if it is missing or damaged."""
    record = _parse_record(encoded_record)
    return record if record.keys() >= {"turn", "home", "host", "word", "folder", *Origin._fields} else {}


def _build_damaged_error(path: Path) -> StoreUnavailable:
    return StoreUnavailable(
        f"The file {path}, which names the host that uses the home, is damaged.",
        hint="When no other host uses it: mlrun workspace show --take-over",
        target=path,
    )


def _build_in_use_error(home: Path, host: str, unused_seconds: int) -> HomeInUse:
    return HomeInUse(
        f"The home {home} is in use from {host}, last seen {unused_seconds} s ago. It is on a network file system, "
        "which one host at a time can use.",
        hint=f"Work on {host}, or wait until nothing has run there for {LEASE_SECONDS:.0f} s; commands that only read "
        "work here too. When that host is gone: mlrun workspace show --take-over",
        target=home,
    )


def _build_unavailable_error(home: Path, error: OSError) -> StoreUnavailable:
    return StoreUnavailable(
        f"The home {home} cannot be used at the moment: {error.strerror or error}.",
        hint="Check that its file system is mounted and can be written.",
        target=home,
    )
