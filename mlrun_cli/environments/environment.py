"""The environment that a run was planned to have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple

_FROM = r"(?im)^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?"


class EnvironmentKind(str, Enum):
    """Who provides the packages."""

    USER_MANAGED = "user-managed"
    BUILT = "built"


class Builder(str, Enum):
    """The installer that fills a built environment."""

    UV = "uv"
    PIP = "pip"
    CONDA = "conda"
    IMAGE = "image"
    """docker or podman, which makes an image of a Dockerfile."""


class ImageSource(NamedTuple):
    """The source of an image.

    Attributes:
        dockerfile: the text of its Dockerfile.
        context: the absolute folder that it copies files from; None for an empty one.
        context_digest: changes with what is in that folder.
    """

    dockerfile: str
    context: str | None = None
    context_digest: str = ""

    @property
    def bases(self) -> tuple[str, ...]:
        """The images that it begins with, but for those that it makes itself."""
        found = [match.groups() for match in re.finditer(_FROM, self.dockerfile)]
        made = {stage for _base, stage in found} | {"scratch"}
        return tuple(dict.fromkeys(base for base, _stage in found if base not in made))


class LocalSource(NamedTuple):
    """A file or folder of this machine that packages are installed from.

    Attributes:
        line: the requirement or option that names it.
        path: absolute.
        stamp: changes with what is there.
    """

    line: str
    path: str
    stamp: str

    @property
    def is_editable(self) -> bool:
        """Whether the package is used where it stands."""
        return self.line.startswith("--editable ")


class BasePython(NamedTuple):
    """A Python that an environment may be made from.

    Attributes:
        python: the absolute path of a base interpreter, or a version request (`3.8.13`, `>=3.8,<3.9`) that uv fetches.
        version: such as `3.11.7`; empty for what has to be fetched.
        only_wheels: what is pinned has to fit as a wheel; it was chosen for another Python.
    """

    python: str
    version: str = ""
    only_wheels: bool = False

    @property
    def is_fetched(self) -> bool:
        """Whether uv has, or fetches, it."""
        return not self.python.startswith("/")

    def __str__(self) -> str:
        return self.version or self.python


class EnvironmentBuild(NamedTuple):
    """Input of the installer. Secrets are replaced by `${NAME}` of variables.

    Attributes:
        key: the hash of the rest.
        folder: the absolute folder named for it, shared by all runs with the same key.
        pythons: what it may be made from, the best first: a later one where what is pinned cannot be had on the first.
            None where conda or a Dockerfile decides.
        builder: which kind of installer.
        installer: the absolute path of uv, of conda (micromamba, mamba), of docker or podman, or the base interpreter.
        requirements: lines as in a requirements file, paths absolute.
        options: the same.
        packages: conda's own specs, for conda.
        channels: where conda looks for them.
        is_relaxed: versions that cannot be had are left open.
        uploaded_before: what is not pinned is as it was at this moment (`2020-06-01T23:59:59Z`); empty for now.
        day_source: in words, where that is from; not a part of the key.
        image: what the image is made of, where the environment is one.
        local: what requirements and options name of this machine.
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
        """Return a JSON object that `from_json` reads."""
        lists = {name: list(value) for name, value in self._asdict().items() if isinstance(value, tuple)}
        image = None if self.image is None else self.image._asdict()
        return {**self._asdict(), **lists, "builder": self.builder.value, "image": image}

    @property
    def python(self) -> str:
        """The first of what it may be made from: an interpreter's path, or a version; empty where there is none."""
        return self.pythons[0].python if self.pythons else ""

    @property
    def day(self) -> str | None:
        """The day whose versions are meant where none is pinned, such as `2020-06-01`; None for today's."""
        return self.uploaded_before.partition("T")[0] or None

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EnvironmentBuild:
        """Return the build in a JSON object; keys of other versions are left out."""
        known = {name: document[name] for name in cls._fields if name in document}
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        image = None if known.get("image") is None else ImageSource(**known["image"])
        local = tuple(LocalSource(*source) for source in known.get("local", ()))
        pythons = tuple(BasePython(*python) for python in known.get("pythons", ()))
        if not pythons and document.get("python"):  # as an earlier version has written it
            pythons = (BasePython(document["python"], only_wheels=document.get("only_wheels", False)),)
        parts = {"builder": Builder(document["builder"]), "image": image, "local": local, "pythons": pythons}
        return cls(**{**known, **lists, **parts})


class ContainerPlan(NamedTuple):
    """The container that a script runs in; holds no secret.

    Attributes:
        engine: the absolute path of docker or podman.
        image: as the engine takes it.
        options: more words for its `run`.
        variables: the names of the runconfig's own variables.
        programs: what has to be in the image for the script to be started.
        reached_by: the submitter's variables by which the engine is found, `DOCKER_HOST` among them.
    """

    engine: str
    image: str
    options: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    reached_by: Mapping[str, str] = MappingProxyType({})

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads."""
        lists = {name: list(value) for name, value in self._asdict().items() if isinstance(value, tuple)}
        return {**self._asdict(), **lists, "reached_by": dict(self.reached_by)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ContainerPlan:
        """Return the plan in a JSON object."""
        options, variables, programs = (tuple(document.get(name, ())) for name in ("options", "variables", "programs"))
        reached_by = document.get("reached_by", {})
        return cls(document["engine"], document["image"], options, variables, programs, reached_by)


class EnvironmentPlan(NamedTuple):
    """`interpreter` is the absolute path that runs the script, once `build`, if any, is done.

    Where `starter` has words, they stand in front of the script instead, and find that Python by a variable.
    With a `container`, the interpreter is one of its image, and so is what `build` makes.
    """

    interpreter: str
    build: EnvironmentBuild | None = None
    starter: tuple[str, ...] = ()
    container: ContainerPlan | None = None

    @property
    def kind(self) -> EnvironmentKind:
        """User-managed when there is nothing to build."""
        return EnvironmentKind.USER_MANAGED if self.build is None else EnvironmentKind.BUILT

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads."""
        return {
            "kind": self.kind.value,
            "interpreter": self.interpreter,
            "build": None if self.build is None else self.build.to_json(),
            "starter": list(self.starter),
            "container": None if self.container is None else self.container.to_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EnvironmentPlan:
        """Return the plan in a JSON object."""
        build, container = document["build"], document.get("container")
        return cls(
            document["interpreter"],
            None if build is None else EnvironmentBuild.from_json(build),
            tuple(document.get("starter", ())),
            None if container is None else ContainerPlan.from_json(container),
        )


class BuiltEnvironment(NamedTuple):
    """An environment on the disk; moments in microseconds.

    Attributes:
        key: its name.
        build: what it was made from.
        folder: where it is.
        python_version: such as `3.11.2`; empty when it was made before that was written down.
        installed: `name==version`, one each.
        unpinned: the versions that could not be had, as they were asked for.
        other_python: the version it was made from, where that is not the first of the build; else empty.
        built_at: when it was made.
        used_at: when a run last took it.
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
