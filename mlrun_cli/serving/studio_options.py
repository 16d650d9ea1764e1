"""What the studio is told when it is started."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any, NamedTuple

from mlrun_cli.serving.urls import DEFAULT_PORT


class StudioOrder(NamedTuple):
    """How the studio is to be served.

    Attributes:
        home: `$MLRUN_HOME`, whose workspaces are shown.
        place: subscription, resource group and name of the workspace to begin with; None is the page of workspaces.
        port: the first that is tried; 0 lets the system choose one.
        allowed_hosts: names, besides the machine's own, by which browsers may ask for it, as behind a proxy.
        base_path: what a proxy puts in front of all paths, as `/user/me/studio`.
        certfile: of a TLS certificate; without one it is plain HTTP.
        keyfile: of its key, unless that is in the same file.
    """

    home: str
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    place: tuple[str, str, str] | None = None
    opens_browser: bool = False
    allowed_hosts: tuple[str, ...] = ()
    base_path: str = ""
    certfile: str | None = None
    keyfile: str | None = None

    @property
    def has_own_host(self) -> bool:
        """Whether browsers ask for it by a host name of its own, `mlrun-….localhost`.

        Cookies do not tell ports apart: whatever else listens on this machine would get those of `127.0.0.1`. Where a
        proxy, a certificate or another machine is in between, the name is theirs to choose.
        """
        is_for_others = self.allowed_hosts or self.base_path or self.certfile
        return not is_for_others and is_loopback(self.host)

    def to_json(self) -> str:
        """The order as one word of a command line."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> StudioOrder:
        """The order that `to_json` wrote."""
        document: dict[str, Any] = json.loads(text)
        place = document.pop("place")
        allowed_hosts = tuple(document.pop("allowed_hosts"))
        return cls(**document, place=place and tuple(place), allowed_hosts=allowed_hosts)


def is_loopback(host: str) -> bool:
    """Whether a host, without its port, is this machine by its usual name or by an address of the loopback range."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
