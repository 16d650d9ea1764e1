"""The real podman with images of its own, made of next to nothing: programs come from this machine."""

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
    """A podman that keeps its images and containers in a folder of the tests."""

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
        """Call it and wait."""
        environment = {**os.environ, **self.variables}
        return subprocess.run(
            ["podman", *words], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def why_not(self, folder: Path) -> str | None:
        """Why it does not run on this machine; None when it does."""
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
        """Run a program in a container of an image that has nothing of its own, and wait."""
        return self(
            "run", "--rm", "--init", "--network", "host", *volumes(), "--entrypoint", words[0], _IMAGE, *words[1:]
        )

    def close(self) -> None:
        """Remove what it has: files of other users may be among it."""
        self("rm", "--all", "--force", "--time", "0")
        self("rmi", "--all", "--force")

    def trust(self, registry: str) -> None:
        """Have it ask this registry without encryption."""
        text = f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n'
        Path(self.variables["CONTAINERS_REGISTRIES_CONF"]).write_text(text, encoding="utf-8")

    def containers(self) -> list[str]:
        """The names of all it has, whether they run or not."""
        return self("ps", "--all", "--format", "{{.Names}}").stdout.split()

    def images(self) -> list[str]:
        """The images that were made for environments."""
        listed = self("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
        return [image for image in listed if image.startswith("localhost/mlrun-environment")]


def volumes() -> list[str]:
    """The words that let a container see the programs of this machine."""
    return [word for folder in _FOLDERS if os.path.exists(folder) for word in ("--volume", f"{folder}:{folder}:ro")]


def write_runconfig(
    mlrun: Mlrun, docker: Mapping[str, object], arguments: tuple[str, ...] = (), **more: object
) -> None:
    """`image.runconfig`, by which the Python of this machine runs in such a container."""
    section = {"enabled": True, "arguments": [*volumes(), *arguments], **docker}
    python = {"userManagedDependencies": True, "interpreterPath": _PYTHON}
    document = {"script": "train.py", "environment": {"docker": section, "python": python}, **more}
    mlrun.script(json.dumps(document), ".azureml/image.runconfig")
