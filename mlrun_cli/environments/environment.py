"""The planned environment of a run, and the environment built from the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple

_FROM = r"(?im)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?"


class EnvironmentKind(str, Enum):
    """The provider of the packages: the user, or a build."""

    USER_MANAGED = "user-managed"
    BUILT = "built"


class Builder(str, Enum):
    """The installer that installs packages into a built environment."""

    UV = "uv"
    PIP = "pip"
    CONDA = "conda"
    IMAGE = "image"
    """docker or podman, which builds an image from a Dockerfile."""


class ImageSource(NamedTuple):
    """The source of an image.

    Attributes:
        dockerfile: the text of the Dockerfile.
        context: the absolute path of the build context; None for an empty one.
        context_digest: a digest of the files in the context.
    """

    dockerfile: str
    context: str | None = None
    context_digest: str = ""

    @property
    def base_images(self) -> tuple[str, ...]:
        """The images in the Dockerfile's FROM lines, except its own build stages and `scratch`."""
        found = [match.groups() for match in re.finditer(_FROM, self.dockerfile)]
        made = {stage for _base, stage in found} | {"scratch"}
        return tuple(dict.fromkeys(base for base, _stage in found if base not in made))


class LocalSource(NamedTuple):
    """A file or folder on this machine from which packages are installed.

    Attributes:
        line: the requirement or option that refers to it.
        path: its absolute path.
        stamp: a digest that changes with the files.
    """

    line: str
    path: str
    stamp: str

    @property
    def is_editable(self) -> bool:
        """True if the package is installed in editable mode."""
        return self.line.startswith("--editable ")


class BasePython(NamedTuple):
    """A Python from which an environment can be created.

    Attributes:
        python: the absolute path of a base interpreter, or a version request (`3.8.13`, `>=3.8,<3.9`) for uv.
        version: such as `3.11.7`; empty if uv provides the Python for a request.
        only_wheels: whether pinned packages must be installed from wheels, since they were pinned for another Python.
    """

    python: str
    version: str = ""
    only_wheels: bool = False

    @property
    def is_uv_managed(self) -> bool:
        """True if uv provides the Python, from its own installations or by download."""
        return not self.python.startswith("/")

    def __str__(self) -> str:
        return self.version or self.python


class EnvironmentBuild(NamedTuple):
    """The input of a build; secrets are replaced by placeholders such as `${NAME}`.

    Attributes:
        key: a hash of the content.
        folder: the absolute path of the folder named after the key, shared by all runs with the same key.
        pythons: the candidate Pythons, best first; a later one is used if pinned versions are not available for the
            first. Empty if conda or a Dockerfile decides.
        builder: the kind of installer.
        installer: the absolute path of uv, of conda (micromamba, mamba), of docker or podman, or the base interpreter.
        requirements: requirements as lines of a requirements file, with absolute paths.
        options: options as lines of a requirements file, with absolute paths.
        packages: package specs, for conda.
        channels: channels, for conda.
        is_relaxed: whether versions that are not available are left open.
        uploaded_before: the cutoff time for unpinned packages (`2020-06-01T23:59:59Z`); empty for none.
        day_source: a description of where the day comes from; not part of the key.
        image: the source of the image, if the environment is an image.
        local: the files and folders of this machine that requirements and options refer to.
    """

    key: str
    folder: str
    pythons: tuple[BasePython, ...]
    builder: Builder
    installer: str
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    packages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    is_relaxed: bool = False
    uploaded_before: str = ""
    day_source: str = ""
    image: ImageSource | None = None
    local: tuple[LocalSource, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the build as a JSON-compatible dict."""
        lists = {name: list(value) for name, value in self._asdict().items() if isinstance(value, tuple)}
        image = None if self.image is None else self.image._asdict()
        return {**self._asdict(), **lists, "builder": self.builder.value, "image": image}

    @property
    def python(self) -> str:
        """The first candidate Python, as an interpreter's path or a version request; empty if there is none."""
        return self.pythons[0].python if self.pythons else ""

    @property
    def day(self) -> str | None:
        """The cutoff date for unpinned packages, such as `2020-06-01`, or None for the latest versions."""
        return self.uploaded_before.partition("T")[0] or None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EnvironmentBuild:
        """Create a build from the dict that `to_json` returned, ignoring unknown keys."""
        known = {name: document[name] for name in cls._fields if name in document}
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        image = None if known.get("image") is None else ImageSource(**known["image"])
        local = tuple(LocalSource(*source) for source in known.get("local", ()))
        pythons = tuple(BasePython(*python) for python in known.get("pythons", ()))
        if not pythons and document.get("python"):  # as written by an earlier version
            pythons = (BasePython(document["python"], only_wheels=document.get("only_wheels", False)),)
        parts = {"builder": Builder(document["builder"]), "image": image, "local": local, "pythons": pythons}
        return cls(**{**known, **lists, **parts})


class ContainerPlan(NamedTuple):
    """The container in which a script runs; it contains no secrets.

    Attributes:
        engine: the absolute path of docker or podman.
        image: the image name, as passed to the engine.
        options: additional options of the engine's `run`.
        variables: the names of the environment variables that the runconfig sets.
        programs: programs that the image must contain to start the script.
        reached_by: the submitter's variables for connecting to the engine, such as `DOCKER_HOST`.
    """

    engine: str
    image: str
    options: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    reached_by: Mapping[str, str] = MappingProxyType({})

    def to_json(self) -> dict[str, Any]:
        """Return the container plan as a JSON-compatible dict."""
        lists = {name: list(value) for name, value in self._asdict().items() if isinstance(value, tuple)}
        return {**self._asdict(), **lists, "reached_by": dict(self.reached_by)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ContainerPlan:
        """Create a container plan from the dict that `to_json` returned."""
        options, variables, programs = (tuple(document.get(name, ())) for name in ("options", "variables", "programs"))
        reached_by = document.get("reached_by", {})
        return cls(document["engine"], document["image"], options, variables, programs, reached_by)


class EnvironmentPlan(NamedTuple):
    """The planned environment of a script, whose `interpreter` can be used once `build`, if any, is complete.

    `interpreter` is an absolute path or, with a `container`, the name of a program in its image, which `build` builds.
    A non-empty `starter`, such as `spark-submit`, runs the script instead, and gets the interpreter from a variable.
    """

    interpreter: str
    build: EnvironmentBuild | None = None
    starter: tuple[str, ...] = ()
    container: ContainerPlan | None = None

    @property
    def kind(self) -> EnvironmentKind:
        """The kind of the environment: user-managed if there is nothing to build, or else built."""
        return EnvironmentKind.USER_MANAGED if self.build is None else EnvironmentKind.BUILT

    def relocate(self, folder: Path) -> EnvironmentPlan:
        """Return a copy of the plan that places the environment, if it is to be built, in a subfolder of `folder`."""
        if self.build is None:
            return self
        own = str(folder / self.build.key)
        interpreter = self.interpreter
        if self.container is None:
            interpreter = own + interpreter.removeprefix(self.build.folder)
        return self._replace(interpreter=interpreter, build=self.build._replace(folder=own))

    def to_json(self) -> dict[str, Any]:
        """Return the environment plan as a JSON-compatible dict."""
        return {
            "kind": self.kind.value,
            "interpreter": self.interpreter,
            "build": None if self.build is None else self.build.to_json(),
            "starter": list(self.starter),
            "container": None if self.container is None else self.container.to_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EnvironmentPlan:
        """Create an environment plan from the dict that `to_json` returned."""
        build, container = document["build"], document.get("container")
        return cls(
            document["interpreter"],
            None if build is None else EnvironmentBuild.from_json(build),
            tuple(document.get("starter", ())),
            None if container is None else ContainerPlan.from_json(container),
        )


class BuiltEnvironment(NamedTuple):
    """A complete environment on disk.

    Attributes:
        key: its key.
        build: the build that created it.
        folder: the absolute path of its folder.
        python_version: such as `3.11.2`; empty if it was not recorded.
        installed: the installed packages, as `name==version`.
        unpinned: requirements whose versions were not available, as requested.
        other_python: the version of its Python if that is not the first candidate of the build; else empty.
        built_at: the timestamp of the build, in microseconds.
        used_at: the timestamp of its last use by a run, in microseconds.
    """

    key: str
    build: EnvironmentBuild
    folder: str
    python_version: str
    installed: tuple[str, ...]
    unpinned: tuple[str, ...]
    other_python: str
    built_at: int
    used_at: int
