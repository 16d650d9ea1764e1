"""The lease of a home on a network file system, which only one host at a time may use.

Such a file system has no locks to rely on, so the lease is made of what all of them do: a file is created by one host
only (`O_EXCL`), a rename is atomic, and an open reads anew. The folder `hosts` of the home contains

- `current`: the record of the host that has the home, written once by that host, under a temporary name, and renamed;
- a file for each term, named by its number: the host that creates it has the term, and then writes in it when the home
  was last in use there, by the clock of the file server;
- a copy of the term's record, in case `current` is damaged: see `lease_records`.

A host takes the next term if the last use is longer ago than a lease, or if a user says that the other host is gone.
A process that only reads leaves the term to a host that uses the home, and follows its uses instead. It writes nothing,
except that once in a while it asks for the file server's time: see `server_clock`.
Every transaction compares `current` with what it was, so a host that has lost its term writes nothing any more.
On one host, processes know each other by a random word that is in `current` and in the home's local folder.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.home import get_file_system_type, is_network_file_system, make_private_folder
from mlrun_cli.core.json_files import sync_to_disk
from mlrun_cli.core.local_folder import get_or_create_base_folder, set_local_folder
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import HomeInUse, StoreError, StoreUnavailable
from mlrun_cli.processes.lease_errors import (
    build_damaged_error,
    build_in_use_error,
    build_unavailable_error,
    build_unknown_holder_error,
)
from mlrun_cli.processes.lease_host import (
    describe_host,
    find_home_id,
    is_from_this_host,
    is_of_earlier_boot,
    lock_host,
)
from mlrun_cli.processes.lease_records import (
    CURRENT,
    LEASE_SECONDS,
    encode_record,
    get_copy_name,
    list_term_files,
    parse_lease_record,
    parse_record,
    read_file,
    read_last_record,
    write_copy,
    write_file,
)
from mlrun_cli.processes.server_clock import ServerClock
from mlrun_cli.wire.background_threads import start_background_thread

RENEWAL_SECONDS = 15.0
SEEN_SECONDS = 2 * RENEWAL_SECONDS
"""The age that the last use of a home does not reach while its host uses it."""
_REFUSAL_SECONDS = 1.0
"""The time for which a refusal is repeated without a further look."""
_ACQUIRE_SECONDS = 5.0
"""The time that a host has from the creation of its term's file until it has renamed `current`, with a margin."""
_LONGEST_ACQUIRE_SECONDS = 2.0
_LOOK_SECONDS = 0.05
_CHANGING_LOOK_SECONDS = 0.5
"""The pause between looks that each change the folder."""

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
    hosts = home / "hosts"
    with suppress(OSError):
        record = parse_lease_record(read_file(hosts / CURRENT)) or read_last_record(hosts)[1]
        return str(record.get("host", "another host"))
    return "another host"


def describe_home(home: Path) -> dict[str, Any]:
    """Return the mode of a home, its file system and, if that is a network file system, its lease."""
    lease = find_lease(home)
    file_system = get_file_system_type(home)
    if lease is None:
        return {"fileSystem": file_system, "mode": "local"}
    return {"fileSystem": file_system, "mode": "network", **lease.describe()}


class _Replaced(NamedTuple):
    """What a record replaces.

    Attributes:
        content: the content of `current`.
        home_id: the id of the home.
        own_word: the word by which this host knows that it has the home already; empty if it does not.
    """

    content: bytes
    home_id: str
    own_word: str


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
        self._clock = ServerClock(home, self._hosts)
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
            is_ours = bool(self._current) and self.refusal is None and read_file(self._hosts / CURRENT) == self._current
            if is_ours and not self.is_renewal_due():
                return
            if is_ours:
                self._renew()
                return
        except OSError as error:
            raise build_unavailable_error(self.home, error) from error
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
            with lock_host(self.home):
                while not self._try_to_acquire(take_over=take_over):
                    time.sleep(_LOOK_SECONDS)
        except HomeInUse as error:
            self._refused = (time.monotonic(), error)
            raise
        except OSError as error:
            raise build_unavailable_error(self.home, error) from error
        set_local_folder(self.home, self.folder)

    def acquire_or_follow(self) -> None:
        """Acquire the lease for this host, or follow another host's lease on the home without writing to it.

        An expired lease is followed too if it cannot be acquired, as on a full disk.

        Raises:
            StoreError: the home cannot be used.
        """
        try:
            record = self._read_record()
            is_other = bool(record) and not is_from_this_host(record)
            try:
                if is_other and not is_of_earlier_boot(record):
                    self._check_lease_expired(record, self._clock.estimate())
                self.acquire()
            except StoreUnavailable as error:
                if not is_other and not isinstance(error, HomeInUse):
                    raise
                self._follow_other_host(error)
        except OSError as error:
            raise build_unavailable_error(self.home, error) from error

    def _follow_other_host(self, refusal: StoreUnavailable) -> None:
        record = self._read_record()
        if not record:
            raise refusal
        self._current = encode_record(record)
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
            raise build_unavailable_error(self.home, error) from error
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
        record = self._read_record()
        return bool(record) and is_from_this_host(record)

    def build_refusal(self) -> StoreUnavailable:
        """Return the error for whatever would write while another host's lease is followed, as of now.

        Raises:
            StoreUnavailable: the home is not there.
        """
        if self.refusal is not None and not isinstance(self.refusal, HomeInUse):
            return self.refusal
        return build_in_use_error(self.home, *self.describe_use())

    def read_term_and_last_use(self) -> tuple[int, int]:
        """Return the current term's number and the time of last use of the home in this term.

        Raises:
            OSError: the home cannot be read.
        """
        term = self._read_record().get("turn", 0)
        return term, self._read_last_use(term)

    def _read_record(self) -> dict[str, Any]:
        """Return the record of the host that has the home; empty if there is none, or if it is lost."""
        return parse_lease_record(read_file(self._hosts / CURRENT)) or self._read_last_record()[1]

    def _read_last_record(self) -> tuple[int, dict[str, Any]]:
        """Return what `read_last_record` does, or what this process knows if that is newer."""
        term, record = read_last_record(self._hosts)
        known = parse_lease_record(self._current)
        if known.get("turn", 0) > record.get("turn", 0):
            return max(term, known["turn"]), known
        return term, record

    def _read_last_use(self, term: int) -> int:
        """Return the time of the home's last use in a term, by the file server's clock; 0 if it is unknown."""
        path = self._hosts / str(term)
        used_at = int(parse_record(read_file(path)).get("used_at", 0))
        with suppress(FileNotFoundError):
            return used_at or path.stat().st_mtime_ns // 1000  # it has only just been created
        return 0

    def describe(self) -> dict[str, Any]:
        """Return a record of the lease: its host, its term number, and the local folder."""
        return {"host": parse_record(self._current)["host"], "localFolder": str(self.folder), "turn": self.term}

    def describe_use(self) -> tuple[str, int]:
        """Return the host that holds the lease, and the seconds since it last used the home.

        Raises:
            StoreUnavailable: the home is not there.
        """
        try:
            record = self._read_record()
            used_at = self._read_last_use(record["turn"])
        except OSError as error:
            raise build_unavailable_error(self.home, error) from error
        return record["host"], max(0, round((self._clock.estimate() - used_at) / MICROSECONDS))

    def _try_to_acquire(self, *, take_over: bool) -> bool:
        """Adopt or acquire the lease; return False if the caller should try again."""
        raw = self._read_current_record()
        record = parse_lease_record(raw)
        current_term = last_term = record.get("turn", 0)
        if not record:
            last_term, record = self._read_last_record()
            if not take_over and not self._is_holder_known(raw, last_term, record):
                return False
        is_own = bool(record) and is_from_this_host(record)
        if is_own and current_term:
            self._adopt_record(raw)
            self._renew()
            return True
        if record and not (take_over or is_own or is_of_earlier_boot(record)):
            self._check_lease_expired(record, self._clock.read())
        # Without `current`, the other host of the last term may be about to write that.
        is_over = bool(current_term) or (is_own and record["turn"] == last_term)
        won = self._create_term(current_term, last_term + 1 if is_over else max(1, last_term))
        if won is None:
            return False
        number, deadline = won
        if not current_term and self._read_last_record()[0] > number:
            # A host took a later term meanwhile, and removed the one before; this client may not see its `current` yet.
            self._remove_term_files(number)
            return False
        home_id = record.get("home") or (last_term and find_home_id(self.home)) or os.urandom(8).hex()
        try:
            published = self._publish_term(number, deadline, _Replaced(raw, home_id, record["word"] if is_own else ""))
        except OSError:
            self._remove_term_files(number)
            raise
        if published is None or read_file(self._hosts / CURRENT) != published:
            return False
        self._adopt_record(published)
        return True

    def _is_holder_known(self, raw: bytes, last_term: int, record: Mapping[str, Any]) -> bool:
        """Return whether it is known which host has the home although `current` is damaged, or that none has it.

        There is no copy of the record of a host that died while it took the home, that is about to take it, or whose
        version is an older one. What is about to happen is waited for.

        Args:
            raw: the content of `current`.
            last_term: the highest number of a term.
            record: the newest copy of a record.

        Returns:
            False if the caller should try again.

        Raises:
            HomeInUse: it is in use, but it is not known from which host.
            StoreUnavailable: there is only a `current` that this version does not understand.
        """
        if record.get("turn", 0) == last_term and (record or not raw):
            return True
        if raw:
            raise build_damaged_error(self._hosts / CURRENT)
        elapsed = (self._clock.read() - self._read_last_use(last_term)) / MICROSECONDS
        if elapsed >= LEASE_SECONDS:
            return True
        deadline = time.monotonic() + _ACQUIRE_SECONDS
        while time.monotonic() < deadline:
            if self._read_current_record() or self._read_last_record() != (last_term, record):
                return False
            time.sleep(_CHANGING_LOOK_SECONDS)
        raise build_unknown_holder_error(self.home, max(0, round(elapsed)))

    def _publish_term(self, number: int, deadline: float, replaced: _Replaced) -> bytes | None:
        """Write and return the record of this host's term, or return None if another host may have taken the home.

        Raises:
            OSError: it cannot be written.
        """
        word = os.urandom(8).hex()
        folder = get_or_create_base_folder() / replaced.home_id
        folder.mkdir(mode=0o700, exist_ok=True)
        holder = {"word": word, "previous": replaced.own_word} if replaced.own_word else {"word": word}
        write_file(folder / "holder", holder)
        raw = encode_record(
            {
                "turn": number,
                "home": replaced.home_id,
                "host": os.uname().nodename,
                "word": word,
                "folder": str(folder),
                **describe_host(),
            }
        )
        write_copy(self._hosts, number, raw)
        unfinished = self._hosts / f".current-{number}"
        write_file(unfinished, raw)
        # If it stood still for long, another host may have taken the next term.
        if time.monotonic() > deadline or read_file(self._hosts / CURRENT) != replaced.content:
            self._remove_term_files(number)
            return None
        unfinished.rename(self._hosts / CURRENT)
        with suppress(OSError):  # not all file systems have that
            sync_to_disk(self._hosts)
        with suppress(OSError):
            for name, term in list_term_files(self._hosts).items():
                if term < number:
                    (self._hosts / name).unlink(missing_ok=True)
        return raw

    def _remove_term_files(self, number: int) -> None:
        """Remove the files of a term that is given up, which delay the next host that takes one; ignore failures."""
        for name in (f".current-{number}", get_copy_name(number), str(number)):
            with suppress(OSError):
                (self._hosts / name).unlink(missing_ok=True)

    def _check_lease_expired(self, record: Mapping[str, Any], now: int) -> None:
        """Raise HomeInUse unless the lease of another host has expired at the time `now`."""
        elapsed = (now - self._read_last_use(record["turn"])) / MICROSECONDS
        if elapsed < LEASE_SECONDS:
            raise build_in_use_error(self.home, record["host"], max(0, round(elapsed)))

    def _read_current_record(self) -> bytes:
        current = self._hosts / CURRENT
        found = read_file(current)
        if not parse_lease_record(found):
            self._clock.read()  # a change in the folder: a client that remembers what was in it asks again
            found = read_file(current)
        return found

    def _create_term(self, current_term: int, number: int) -> tuple[int, float] | None:
        """Create the file of the next term; return the term number and deadline, or None if another host was faster.

        The file of a host that died while it took the lease is passed over, once it has had the time for it.

        Args:
            current_term: the number in `current`; 0 if there is none.
            number: the number to begin with.
        """
        while True:
            started = time.monotonic()
            path = self._hosts / str(number)
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            except FileExistsError:
                while time.monotonic() < started + _ACQUIRE_SECONDS:
                    if parse_lease_record(read_file(self._hosts / CURRENT)).get("turn", 0) != current_term:
                        return None
                    time.sleep(_LOOK_SECONDS)
                number += 1
                continue
            try:
                write_file(path, {"used_at": self._clock.read()})
            except OSError:
                self._remove_term_files(number)
                raise
            return number, started + _LONGEST_ACQUIRE_SECONDS

    def _adopt_record(self, encoded_record: bytes) -> None:
        """Set the term number and the local folder from a record of this host's lease."""
        record = parse_record(encoded_record)
        self._set_term(record)
        self._current, self.folder = encoded_record, Path(record["folder"])
        self._renew_at = time.monotonic() + RENEWAL_SECONDS
        self._refused = self.refusal = None
        if not (self.folder / "holder").exists():
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            write_file(self.folder / "holder", {"word": record["word"]})
        if not (self._hosts / get_copy_name(self.term)).exists():  # an older version took the home
            with suppress(OSError):
                write_copy(self._hosts, self.term, encoded_record)

    def _set_term(self, record: Mapping[str, Any]) -> None:
        self.term, self.term_id = record["turn"], f"{record['turn']} {record['word']}"

    def _renew(self) -> None:
        """Write the time of last use to the file of this host's term; no other host writes to this file."""
        path = self._hosts / str(self.term)
        used_at = self._read_last_use(self.term)
        now = self._clock.read()
        if now - used_at >= RENEWAL_SECONDS * MICROSECONDS / 2:  # no other process of this host has just done it
            write_file(path, {"used_at": now})
        os.utime(self.folder / "holder")  # for what removes old files from temporary folders
        self._renew_at = time.monotonic() + RENEWAL_SECONDS
