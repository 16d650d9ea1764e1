"""The Python environment that a run was planned to have."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple


class EnvironmentKind(str, Enum):
    """Who sees to it that the packages are there."""

    USER_MANAGED = "user-managed"
    BUILT = "built"


class Builder(str, Enum):
    """The installer that fills a built environment."""

    UV = "uv"
    PIP = "pip"


class EnvironmentBuild(NamedTuple):
    """All that the installer is told. Holds no secret: in their place stand `${NAME}` of variables.

    `key` is the hash of all the rest, `folder` the absolute folder named for it, shared by all runs
    with the same key. `python` is the absolute path of the base interpreter, or a version request
    (`3.8.13`, `>=3.8,<3.9`) that uv fetches. `installer` is uv's absolute path, or the base interpreter.
    `requirements` and `options` are lines as in a requirements file, paths absolute.
    """

    key: str
    folder: str
    python: str
    builder: Builder
    installer: str
    requirements: tuple[str, ...]
    options: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads."""
        return {
            "key": self.key,
            "folder": self.folder,
            "python": self.python,
            "builder": self.builder.value,
            "installer": self.installer,
            "requirements": list(self.requirements),
            "options": list(self.options),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EnvironmentBuild:
        """The build that was written."""
        return cls(
            key=document["key"],
            folder=document["folder"],
            python=document["python"],
            builder=Builder(document["builder"]),
            installer=document["installer"],
            requirements=tuple(document["requirements"]),
            options=tuple(document["options"]),
        )


class EnvironmentPlan(NamedTuple):
    """`interpreter` is the absolute path that runs the script, once `build`, if any, is done."""

    interpreter: str
    build: EnvironmentBuild | None = None

    @property
    def kind(self) -> EnvironmentKind:
        """User-managed when there is nothing to build."""
        return EnvironmentKind.USER_MANAGED if self.build is None else EnvironmentKind.BUILT

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads."""
        return {
            "kind": self.kind.value,
            "interpreter": self.interpreter,
            "build": None if self.build is None else self.build.to_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EnvironmentPlan:
        """The plan that was written."""
        build = document["build"]
        return cls(document["interpreter"], None if build is None else EnvironmentBuild.from_json(build))
