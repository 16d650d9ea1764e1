"""The errors for a home on a network file system that cannot be used."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.errors import HomeInUse, StoreUnavailable
from mlrun_cli.processes.lease_records import CURRENT, LEASE_SECONDS


def build_damaged_error(path: Path) -> StoreUnavailable:
    """Return the error for a record of the host that has the home from which nothing can be read."""
    return StoreUnavailable(
        f"The file {path}, which names the host that uses the home, is damaged.",
        hint="When no other host uses it: mlrun workspace show --take-over",
        target=path,
    )


def build_unknown_holder_error(home: Path, unused_seconds: int) -> HomeInUse:
    """Return the error for a home in use whose record of the host that has it is lost."""
    return HomeInUse(
        f"The home {home} was in use {unused_seconds} s ago, and its file hosts/{CURRENT}, which names the host that "
        "uses it, is empty or missing.",
        hint=f"Try again when nothing has used it for {LEASE_SECONDS:.0f} s. When no other host uses it: mlrun "
        "workspace show --take-over",
        target=home,
    )


def build_in_use_error(home: Path, host: str, unused_seconds: int) -> HomeInUse:
    """Return the error for a home in use from another host."""
    return HomeInUse(
        f"The home {home} is in use from {host}, last seen {unused_seconds} s ago. It is on a network file system, "
        "which one host at a time can use.",
        hint=f"Work on {host}, or wait until nothing has run there for {LEASE_SECONDS:.0f} s; commands that only read "
        "work here too. When that host is gone: mlrun workspace show --take-over",
        target=home,
    )


def build_unavailable_error(home: Path, error: OSError) -> StoreUnavailable:
    """Return the error for a home whose file system does not do what it should."""
    return StoreUnavailable(
        f"The home {home} cannot be used at the moment: {error.strerror or error}.",
        hint="Check that its file system is mounted and can be written.",
        target=home,
    )
