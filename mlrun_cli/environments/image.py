"""Container images of runs, which are pulled or built from a Dockerfile under a generated name."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from mlrun_cli.environments.environment import EnvironmentBuild, ImageSource
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.installer import Installer, print_files_changed_error

_REPOSITORY = "localhost/mlrun-environment"
_IS_REGISTRY = r"localhost$|.*[.:]"


def build_image_name(environment_key: str) -> str:
    """Return the name of the image to build for the environment with this key."""
    return f"{_REPOSITORY}:{environment_key}"


def get_registry(image: str) -> str:
    """Return an image's registry as the engine's `login` command expects it; empty for the default registry."""
    first, slash, _ = image.partition("/")
    return first if slash and re.match(_IS_REGISTRY, first) else ""


def has_image(engine: str, image: str) -> bool:
    """Return whether the image exists in the container engine's local storage."""
    return _run_silently(engine, "image", "inspect", image)


def pull_missing_image(engine: str, image: str, installer: Installer) -> int:
    """Pull an image unless the container engine has it already; return the engine's exit code, or 0 if not pulled."""
    return 0 if has_image(engine, image) else installer.run([engine, "pull", image])


def build_image(folder: EnvironmentFolder, build: EnvironmentBuild, source: ImageSource, installer: Installer) -> int:
    """Build the image of an environment; return the container engine's exit code, or 1 if the context has changed.

    Raises:
        OSError: the folder cannot be written, or the build's context cannot be read.
    """
    folder.record_engine_path(build.installer)
    context = folder.context
    if source.context is None:
        context.mkdir()
    else:
        context = Path(source.context)
        if compute_context_digest(context) != source.context_digest:
            print_files_changed_error(source.context)
            return 1
    with folder.write_temporary_secret(folder.dockerfile, installer.expand_secrets(source.dockerfile)) as dockerfile:
        words = [
            build.installer,
            "build",
            "--tag",
            build_image_name(build.key),
            "--file",
            str(dockerfile),
            str(context),
        ]
        return installer.run(words, redacts_names=True)


def remove_image(engine: str, image: str) -> bool:
    """Remove an image unless a container uses it; return whether the image, or else the engine, no longer exists."""
    return not os.access(engine, os.X_OK) or not has_image(engine, image) or _run_silently(engine, "rmi", image)


def compute_context_digest(context: Path) -> str:
    """Return a hash of the paths, modes and contents of all files in a build context.

    Raises:
        OSError: a file in it cannot be read.
    """
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which a supervisor never needs

    digest = hashlib.sha256()
    for path in sorted(context.rglob("*")):
        name = path.relative_to(context).as_posix()
        if path.is_symlink():
            digest.update(f"{name}\0link\0{path.readlink()}\0".encode(errors="surrogateescape"))
        elif path.is_file():
            digest.update(f"{name}\0{path.stat().st_mode:o}\0".encode(errors="surrogateescape"))
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            digest.update(b"\0")
    return digest.hexdigest()


def _run_silently(engine: str, *arguments: str) -> bool:
    """Run a command of docker or podman, discard its output, and return whether it exited with code 0."""
    done = subprocess.run(
        [engine, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0
