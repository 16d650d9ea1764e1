"""A substitute for docker that starts processes of this machine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.running import Mlrun, until

# Knows the image `known`, can pull `pulled`, and makes images FROM these; where there is a file `gate`, it makes none
# before it is let go, and where there is a `ps-gate`, it does not tell of its containers before. A container is a
# process in a session of its own and a file that is named for it; its variables are those it was told, its `python` is
# that of the tests, and `mpirun` is in none but `known`.
ENGINE = """\
#!{python}
import json, os, pathlib, signal, subprocess, sys
here = pathlib.Path({here!r})
words = sys.argv[1:]
with open(here / "log", "a") as log:
    log.write(json.dumps(words) + "\\n")
containers = here / ("containers" + os.environ.get("DOCKER_HOST", ""))
containers.mkdir(exist_ok=True)
def image(name):
    return here / ("image " + name.replace("/", " "))
if words[:2] == ["image", "inspect"]:
    sys.exit(words[2] != "known" and not image(words[2]).exists())
if words[0] == "pull":
    if words[1] != "pulled":
        sys.exit("Error: pull access denied for " + words[1] + " by https://bob:s3cr3t-word@proxy")
    image("pulled").touch()
    sys.exit()
if words[0] == "build":
    name, file, context = words[2], words[4], words[5]
    text = open(file).read()
    print("STEP 1:", text, flush=True)
    with open(here / "builds", "a") as builds:
        builds.write(json.dumps([text, sorted(os.listdir(context))]) + "\\n")
    if (here / "gate").exists():
        (here / "reached").touch()
        (here / "gate").read_bytes()
    base = text.split()[1]
    if base not in ("known", "pulled"):
        sys.exit("Error: creating build container: " + base + ": unauthorized: authentication required")
    image(name).touch()
    sys.exit()
if words[0] == "rmi":
    image(words[1]).unlink()
    sys.exit()
if words[0] == "ps":
    if (here / "ps-gate").exists():
        (here / "ps-gate").read_bytes()
    label = words[words.index("--filter") + 1].split("=")[-1]
    print(*[path.name for path in containers.iterdir() if label in path.name])
    sys.exit()
if words[0] in ("kill", "rm"):
    for name in words[1:]:
        if (containers / name).exists():
            pid = int((containers / name).read_text())
            (containers / name).unlink()
            os.killpg(pid, signal.SIGKILL)
    sys.exit()
given = {{}}
rest = words[1:]
while rest[0].startswith("--"):
    option = rest.pop(0)
    if option not in ("--rm", "--init", "--interactive"):
        given.setdefault(option, []).append(rest.pop(0))
if given["--entrypoint"] == ["mpirun"]:
    if rest[0] != "known":
        sys.exit("Error: executable file `mpirun` not found in $PATH")
    if rest[1:] == ["--version"]:
        sys.exit()
    given["--entrypoint"] = [rest[3]]
    given["--env"].append("OMPI_COMM_WORLD_RANK=1")
    rest[1:4] = []
variables = [text.partition("=") for text in given["--env"]]
environment = {{name: value if equals else os.environ[name] for name, equals, value in variables}}
argv = [sys.executable if word == "python" else word for word in (*given["--entrypoint"], *rest[1:])]
process = subprocess.Popen(
    argv, env=environment, cwd=given["--workdir"][0], start_new_session=True
)
(containers / given["--name"][0]).write_text(str(process.pid))
signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
code = process.wait()
(containers / given["--name"][0]).unlink(missing_ok=True)
sys.exit(code if code >= 0 else 128 - code)
"""


class Engine:
    """The substitute for docker, first on the PATH of a command."""

    def __init__(self, mlrun: Mlrun) -> None:
        self.folder = mlrun.folder.parent / "engine"
        self.program = self.folder / "docker"
        self.folder.mkdir()
        self.program.write_text(ENGINE.format(python=sys.executable, here=str(self.folder)), encoding="utf-8")
        self.program.chmod(0o755)
        mlrun.environment["PATH"] = f"{self.folder}{os.pathsep}{mlrun.environment['PATH']}"

    def calls(self, verb: str) -> list[list[str]]:
        """Return the calls of the engine that begin with this verb."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        return [words for words in map(json.loads, lines) if words[0] == verb]

    def builds(self) -> list[tuple[str, list[str]]]:
        """Return the Dockerfile of each image whose build has begun, and the names of the files beside it."""
        path = self.folder / "builds"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(text, files) for text, files in map(json.loads, lines)]

    def images(self) -> list[str]:
        """Return the images that the engine has built or pulled."""
        return sorted(path.name.removeprefix("image ").replace(" ", "/") for path in self.folder.glob("image *"))

    def container(self) -> int:
        """Return the pid of the only container's process, once it exists."""
        return until(lambda: next((int(text) for path in self._files() if (text := path.read_text("utf-8"))), None))

    def is_empty(self) -> bool:
        """Return whether there is no container."""
        return not self._files()

    def _files(self) -> list[Path]:
        return list(self.folder.glob("containers*/*"))
