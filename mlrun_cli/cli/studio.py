"""`studio`: web pages of the workspaces of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

from mlrun_cli.actions.workspaces import get_home, open_workspace
from mlrun_cli.cli.ci.job import is_ci_job
from mlrun_cli.cli.command import Group, command
from mlrun_cli.cli.context import resolve_workspace_identity
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.errors import ConflictingOptions, HomeNotFound, InvalidPath, InvalidValue, ProgramNotFound
from mlrun_cli.folders.project_config import find_project_config
from mlrun_cli.processes.host_lease import find_lease, open_home
from mlrun_cli.serving.browser import has_browser
from mlrun_cli.serving.studio_options import StudioOptions
from mlrun_cli.serving.urls import DEFAULT_PORT

app = Group("studio")

_PROGRAM = "mlrun_cli.studio"
_PACKAGES = ("starlette", "uvicorn", "jinja2", "markdown_it", "nh3")


@command(
    app,
    "studio",
    examples=[
        ("Show the runs of the attached folder's workspace", "mlrun studio"),
        ("Serve on a machine without a screen, for an SSH tunnel", "mlrun studio --no-browser --port 8642"),
    ],
)
def studio(
    global_options: GlobalOptions,
    host: Annotated[
        str,
        Option("--host", metavar="ADDRESS", help="Address to listen on. Use 0.0.0.0 to serve other machines too."),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        Option(
            "--port",
            metavar="N",
            min=0,
            max=65535,
            help="Port to listen on. If it is in use, the next free one is used.",
        ),
    ] = DEFAULT_PORT,
    no_browser: Annotated[bool, Option("--no-browser", help="Do not open a browser.")] = False,
    allowed_hosts: Annotated[
        list[str] | None,
        Option(
            "--allow-host",
            metavar="NAME",
            help="Additional host name that browsers may use, such as the name of a proxy.",
        ),
    ] = None,
    base_path: Annotated[
        str, Option("--base-path", metavar="PATH", help="Prefix that a proxy adds to all paths.")
    ] = "",
    certfile: Annotated[
        Path | None, Option("--certfile", metavar="FILE", help="TLS certificate file, to serve HTTPS.")
    ] = None,
    keyfile: Annotated[
        Path | None, Option("--keyfile", metavar="FILE", help="Private key file of the certificate.")
    ] = None,
) -> object:
    """Serve web pages showing the runs until Ctrl-C is pressed.

    Opens the attached folder's or the specified workspace, or else a list of workspaces. The printed URL contains an
    access token, which the browser then remembers.
    """
    if keyfile is not None and certfile is None:
        raise ConflictingOptions(
            "--keyfile needs --certfile.", hint="Name the certificate with --certfile FILE.", target="--certfile"
        )
    _warn_if_used_elsewhere(get_home(), global_options)
    options = StudioOptions(
        home=str(get_home()),
        host=host,
        port=port,
        identity=_find_first_workspace(global_options),
        open_browser=not no_browser and _can_open_browser(),
        allowed_hosts=_split_host_names(allowed_hosts or ()),
        base_path=_parse_base_path(base_path),
        certfile=_resolve_readable_file("--certfile", certfile),
        keyfile=_resolve_readable_file("--keyfile", keyfile),
    )
    check_studio_extra()
    _exec_studio(options)


def check_studio_extra() -> None:
    """Raise an error if the packages of the studio are not installed, without importing them.

    Raises:
        MlrunError: a package is missing.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ProgramNotFound(
            f"The studio needs packages that are not installed: {', '.join(missing)}.",
            hint=f"Install them: {sys.executable} -m pip install 'mlrun-cli[studio]'",
            target="mlrun-cli[studio]",
        )


def _warn_if_used_elsewhere(home: Path, global_options: GlobalOptions) -> None:
    """Warn that the studio only reads, and say where one runs that does more, if another host uses the home.

    Raises:
        StoreError: the home cannot be used.
    """
    if not home.exists():
        return
    open_home(home, only_reads=True)
    lease = find_lease(home)
    if lease is not None and lease.refusal is not None:
        from mlrun_cli.cli.studio_page import describe_studio_elsewhere  # noqa: PLC0415 - start-up

        global_options.notes.warning(
            f"{lease.refusal.message} This studio shows it, and changes nothing for as long as that is so."
            f" {describe_studio_elsewhere(home)}"
        )


def _exec_studio(options: StudioOptions) -> NoReturn:
    """Replace this process with the studio, so that the studio receives the terminal's signals."""
    root = Path(options.home)
    if not root.exists():
        raise HomeNotFound(root)
    # `-m` looks for modules in the working folder first: that must not be one of scripts.
    os.chdir(root)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", _PROGRAM, options.to_json()])


def _find_first_workspace(global_options: GlobalOptions) -> tuple[str, str, str] | None:
    config = find_project_config(global_options.path)
    is_typed = any(
        name is not None
        for name in (global_options.workspace_name, global_options.resource_group, global_options.subscription_id)
    )
    if config is None and not is_typed and global_options.default_workspace_name is None:
        return None
    identity = resolve_workspace_identity(global_options, config)
    open_workspace(identity, create=False, only_reads=True).close()
    return identity.subscription_id, identity.resource_group, identity.name


def _can_open_browser() -> bool:
    return sys.stderr.isatty() and not is_ci_job() and has_browser(os.environ)


def _split_host_names(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the host names in comma-separated option values."""
    return tuple(name.strip() for each in texts for name in each.split(",") if name.strip())


def _parse_base_path(text: str) -> str:
    if not text.strip("/"):
        return ""
    path = f"/{text.strip('/')}"
    parts = path[1:].split("/")
    if any(character.isspace() or character in "?#\\\"'<>" for character in path) or not {"", ".", ".."}.isdisjoint(
        parts
    ):
        raise InvalidValue(
            f"--base-path: '{text}' is not a path.", hint="Use one like /user/me/studio.", target="--base-path"
        )
    return path


def _resolve_readable_file(option: str, path: Path | None) -> str | None:
    """Return the absolute path of a file, or None for None; raise InvalidPath if the file is not readable."""
    if path is None:
        return None
    if not os.access(path, os.R_OK) or path.is_dir():
        raise InvalidPath(f"{option}: '{path}' is not a readable file.", target=path)
    return str(path.absolute())
