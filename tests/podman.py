"""The real podman with minimal images of its own, whose programs come from this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.running import Mlrun

# Python and mpirun of this machine are seen within the containers where they are.
_FOLDERS = ("/usr", "/lib", "/lib64", "/etc/alternatives", "/etc/openmpi", sys.base_prefix)
_IMAGE = "localhost/tried"
_PYTHON = os.path.realpath(sys.executable)


class Podman:
    """A podman that stores its images and containers in a folder of the tests."""

    def __init__(self, folder: Path) -> None:
        self.variables = {
            name: str(folder / name.lower())
            for name in ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF")
        }
        # Of the two runtimes, crun refuses machines that have the old control groups beside the new.
        runtime = 'runtime = "runc"\n' if shutil.which("runc") else ""
        storage = f'driver = "vfs"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/running"\n'
        texts = (f"[engine]\n{runtime}", f"[storage]\n{storage}", "")
        for text, path in zip(texts, self.variables.values(), strict=True):
            Path(path).write_text(text, encoding="utf-8")
        self.variables["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "1"

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run podman with these words and wait for it."""
        environment = {**os.environ, **self.variables}
        return subprocess.run(
            ["podman", *words], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def why_not(self, folder: Path) -> str | None:
        """Return the reason why podman cannot be used on this machine, or None if it can."""
        if shutil.which("podman") is None:
            return "podman is not installed"
        if shutil.which("docker"):
            return "docker is on PATH, which is taken first"
        (folder / "Dockerfile").write_text("FROM scratch\nENV A=1\n", encoding="utf-8")
        try:
            tried = self("build", "--tag", _IMAGE, str(folder))
            if tried.returncode == 0:
                tried = self.inside(_PYTHON, "--version")
        except subprocess.TimeoutExpired:
            return "podman does not answer here"
        return f"podman does not run here: {tried.stderr.strip()}" if tried.returncode else None

    def inside(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program in a container of an otherwise empty image, and wait for it."""
        return self(
            "run", "--rm", "--init", "--network", "host", *volumes(), "--entrypoint", words[0], _IMAGE, *words[1:]
        )

    def close(self) -> None:
        """Remove all images and containers, whose files may belong to other users."""
        self("rm", "--all", "--force", "--time", "0")
        self("rmi", "--all", "--force")

    def trust(self, registry: str) -> None:
        """Have podman use this registry without encryption."""
        text = f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n'
        Path(self.variables["CONTAINERS_REGISTRIES_CONF"]).write_text(text, encoding="utf-8")

    def containers(self) -> list[str]:
        """Return the names of all containers, whether or not they run."""
        return self("ps", "--all", "--format", "{{.Names}}").stdout.split()

    def images(self) -> list[str]:
        """Return the images that were built for environments."""
        listed = self("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
        return [image for image in listed if image.startswith("localhost/mlrun-environment")]


def volumes() -> list[str]:
    """Return the options that give a container access to the programs of this machine."""
    return [word for folder in _FOLDERS if os.path.exists(folder) for word in ("--volume", f"{folder}:{folder}:ro")]


def write_runconfig(
    mlrun: Mlrun, docker: Mapping[str, object], arguments: tuple[str, ...] = (), **more: object
) -> None:
    """Write `image.runconfig`, which runs this machine's Python in such a container."""
    section = {"enabled": True, "arguments": [*volumes(), *arguments], **docker}
    python = {"userManagedDependencies": True, "interpreterPath": _PYTHON}
    document = {"script": "train.py", "environment": {"docker": section, "python": python}, **more}
    mlrun.script(json.dumps(document), ".azureml/image.runconfig")
