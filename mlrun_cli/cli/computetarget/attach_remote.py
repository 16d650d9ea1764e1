"""`computetarget attach remote`."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.cli.command import command
from mlrun_cli.cli.computetarget import app
from mlrun_cli.cli.computetarget.attachment import attach
from mlrun_cli.cli.computetarget.options import Description, Name, Tags
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.compute.compute_target import MAX_NODES
from mlrun_cli.errors import InvalidValue, Unsupported
from mlrun_cli.targets.engine import DEFAULT_PYTHON
from mlrun_cli.targets.remote.attachment import RemoteAttachment
from mlrun_cli.targets.remote.settings import RemoteSettings

_MAX_PORT = 65535


@command(
    app,
    "attach remote",
    examples=[
        (
            "Attach a machine",
            "mlrun computetarget attach remote -n box -a box.example.org -u me",
        ),
        (
            "Attach one that runs two runs at a time",
            "mlrun computetarget attach remote -n box -a box --max-nodes 2",
        ),
    ],
)
def attach_remote(
    global_options: GlobalOptions,
    name: Name,
    address: Annotated[
        str, Option("--address", "-a", metavar="HOST", help="Name or IP address, or a Host of ~/.ssh/config.")
    ],
    username: Annotated[
        str | None, Option("--username", "-u", metavar="NAME", help="User there. Default: as ~/.ssh/config says.")
    ] = None,
    ssh_port: Annotated[
        int | None, Option("--ssh-port", min=1, max=_MAX_PORT, metavar="PORT", help="Port of sshd. Default: 22.")
    ] = None,
    private_key_file: Annotated[
        str | None, Option("--private-key-file", metavar="FILE", help="Private key. Default: as ssh chooses.")
    ] = None,
    ssh_options: Annotated[
        list[str] | None,
        Option("--ssh-option", metavar="KEY=VALUE", help="Another option of ssh, as in ProxyJump=gate."),
    ] = None,
    max_nodes: Annotated[
        int | None,
        Option(
            "--max-nodes", min=1, max=MAX_NODES, metavar="N", help="Maximum number of nodes in use. Default: no limit."
        ),
    ] = None,
    python: Annotated[
        str,
        Option(
            "--python", metavar="PATH", help="Python 3.10 or later there, for mlrun itself. Default: python3 on PATH."
        ),
    ] = DEFAULT_PYTHON,
    setup: Annotated[
        list[str] | None,
        Option("--setup", metavar="COMMAND", help="Shell command that precedes each run there."),
    ] = None,
    password: Annotated[str | None, Option("--password", "-p", hidden=True)] = None,
    passphrase: Annotated[str | None, Option("--private-key-passphrase", hidden=True)] = None,
    description: Description = "",
    tags: Tags = None,
) -> object:
    """Attach another machine, reached by ssh, as a compute target.

    OpenSSH and rsync are used as they are, with your ~/.ssh/config, and must work without a question. The machine
    needs sshd, rsync and Python 3.10 or later, which is checked. Runs go on there while this machine sleeps, and
    what they have written meanwhile is fetched afterwards.
    """
    _refuse_password("--password", password)
    _refuse_password("--private-key-passphrase", passphrase)
    settings = RemoteSettings(
        address=_check_user_or_host("--address", address),
        username=None if username is None else _check_user_or_host("--username", username),
        ssh_port=ssh_port,
        private_key_file=private_key_file,
        ssh_options=tuple(map(_check_ssh_option, ssh_options or ())),
        max_nodes=max_nodes,
        python=python,
        setup=tuple(setup or ()),
    )
    return attach(global_options, name, RemoteAttachment(settings), description=description, tags=tags)


def _refuse_password(option: str, value: str | None) -> None:
    if value is not None:
        raise Unsupported(
            f"{option}: passwords are not kept.",
            hint="Put your public key on the machine ('ssh-copy-id'), and a key with a passphrase into ssh-agent "
            "('ssh-add').",
            target=option,
        )


def _check_user_or_host(option: str, value: str) -> str:
    """Return a user or host name; raise InvalidValue if ssh could mistake it for an option or something else."""
    if not value or value.startswith("-") or any(char.isspace() or char in "@/" for char in value):
        raise InvalidValue(
            f"{option}: '{value}' is not a {'host' if option == '--address' else 'user'}.",
            hint="Type --address HOST --username NAME.",
            target=option,
        )
    return value


def _check_ssh_option(value: str) -> str:
    name, separator, _ = value.partition("=")
    if not separator or not name.isalnum():
        raise InvalidValue(
            f"--ssh-option: '{value}' is not an option of ssh.",
            hint="Write it as in ssh_config, with '=': --ssh-option ProxyJump=gate.",
            target="--ssh-option",
        )
    return value
