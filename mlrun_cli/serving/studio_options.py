"""Options of the studio, passed by the command to the studio's program."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.serving.urls import DEFAULT_PORT


class StudioOptions(NamedTuple):
    """Options of a studio server.

    Attributes:
        home: `$MLRUN_HOME`, whose workspaces are shown.
        identity: subscription, resource group and name of the first workspace; None for the list of workspaces.
        port: the first port to try; 0 lets the system choose one.
        allowed_hosts: host names, besides the machine's own, that requests may be for, as behind a proxy.
        base_path: the prefix that a proxy puts in front of all paths, as `/user/me/studio`.
        certfile: path of a TLS certificate; None for plain HTTP.
        keyfile: path of its key, unless `certfile` holds it.
    """

    home: str
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    identity: tuple[str, str, str] | None = None
    open_browser: bool = False
    allowed_hosts: tuple[str, ...] = ()
    base_path: str = ""
    certfile: str | None = None
    keyfile: str | None = None

    @property
    def has_own_host(self) -> bool:
        """True if browsers use the studio's own host name, `mlrun-….localhost`.

        Cookies are not separated by port: any other server on this machine would get those of `127.0.0.1`. Behind a
        proxy, with a certificate, or from another machine, the user chooses the name.
        """
        is_public = self.allowed_hosts or self.base_path or self.certfile
        return not is_public and is_loopback(self.host)

    def to_json(self) -> str:
        """Return the options as a JSON string, for use as a single command-line argument."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str) -> StudioOptions:
        """Create the options from a JSON string that `to_json` returned."""
        document: dict[str, Any] = json.loads(text)
        identity = document.pop("identity")
        allowed_hosts = tuple(document.pop("allowed_hosts"))
        return cls(**document, identity=identity and tuple(identity), allowed_hosts=allowed_hosts)


def is_loopback(host: str) -> bool:
    """Return whether a host, given without a port, is `localhost` or a loopback address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
