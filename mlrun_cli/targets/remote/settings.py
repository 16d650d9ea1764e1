"""The settings of a compute target on a machine reached by ssh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.targets.engine import DEFAULT_PYTHON
from mlrun_cli.targets.setup_script import build_setup_script


class RemoteSettings(NamedTuple):
    """The settings of a target, as given at its attachment.

    Attributes:
        address: the name or address of the machine, or a `Host` of the user's ssh configuration.
        username: the user there; None leaves it to the configuration.
        ssh_port: the port; None leaves it to the configuration.
        private_key_file: the absolute path of a key; None leaves it to the configuration and to ssh-agent.
        ssh_options: further options of ssh, as in `ProxyJump=gate`.
        max_nodes: the number of nodes that runs use there at the same time; None for no limit.
        python: the interpreter of supervisors there.
        setup: lines of the shell that precede the supervisor.
        folder: the absolute path of the target's folder there; empty until that is known.
    """

    address: str
    username: str | None = None
    ssh_port: int | None = None
    private_key_file: str | None = None
    ssh_options: Sequence[str] = ()
    max_nodes: int | None = None
    python: str = DEFAULT_PYTHON
    setup: Sequence[str] = ()
    folder: str = ""

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> RemoteSettings:
        """Return the settings in the properties of a target's row."""
        return cls(**{name: properties[key] for name, key in _KEYS.items() if properties.get(key) is not None})

    def to_properties(self) -> dict[str, Any]:
        """Return the properties of the target's row that contain these settings."""
        given = {key: getattr(self, name) for name, key in _KEYS.items()}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if value}

    @property
    def destination(self) -> str:
        """The machine's address in the form that ssh expects."""
        return self.address if self.username is None else f"{self.username}@{self.address}"

    def build_script(self, command: Sequence[str]) -> str:
        """Return a job's shell script, which executes the setup lines and then replaces the shell with `command`."""
        return build_setup_script(self.setup, command)


_KEYS = {
    "address": "address",
    "username": "username",
    "ssh_port": "sshPort",
    "private_key_file": "privateKeyFile",
    "ssh_options": "sshOptions",
    "max_nodes": "maxNodes",
    "python": "python",
    "setup": "setup",
    "folder": "remoteFolder",
}
