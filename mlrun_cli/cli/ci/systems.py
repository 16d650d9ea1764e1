"""The syntax of CI systems for groups of lines, errors at source lines, and job summaries.

All of them read these lines from standard error too: the runners of GitHub and Azure look for commands in both streams,
and GitLab joins both in the job's log.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.wire.run_output import make_printable

if TYPE_CHECKING:
    from mlrun_cli.cli.ci.source_line import SourceLine


class CiSystem:
    """Base class of CI systems: formats the lines that a system interprets, without their final newline.

    Attributes:
        repository_variable: the variable with the folder of the repository.
    """

    repository_variable = ""

    def format_group_start(self, title: str) -> str:
        """Return the line that starts a collapsible group."""
        raise NotImplementedError

    def format_group_end(self, title: str) -> str:
        """Return the line that ends a group."""
        raise NotImplementedError

    def format_error(self, title: str, message: str, location: SourceLine | None) -> str:
        """Return the lines that report an error, with its source line if known."""
        raise NotImplementedError

    def add_summary(self, name: str, markdown: str) -> str | None:
        """Add Markdown text to the job's summary; return the line to print for this, or None if there is none.

        Raises:
            OSError: it cannot be written.
        """
        raise NotImplementedError


class GitHub(CiSystem):
    """GitHub Actions."""

    repository_variable = "GITHUB_WORKSPACE"

    def format_group_start(self, title: str) -> str:
        """Return the line that starts a group."""
        return f"::group::{_escape(title, _GITHUB_DATA)}"

    def format_group_end(self, title: str) -> str:  # noqa: ARG002
        """Return the line that ends a group."""
        return "::endgroup::"

    def format_error(self, title: str, message: str, location: SourceLine | None) -> str:
        """Return an error annotation."""
        place = "" if location is None else f"file={_escape(location.file, _GITHUB_PROPERTY)},line={location.line},"
        return f"::error {place}title={_escape(title, _GITHUB_PROPERTY)}::{_escape(message, _GITHUB_DATA)}"

    def add_summary(self, name: str, markdown: str) -> None:  # noqa: ARG002
        """Append Markdown text to the summary file of the step, if there is one."""
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if path:
            with open(path, "a", encoding="utf-8") as file:
                file.write(markdown)


class AzurePipelines(CiSystem):
    """Azure Pipelines."""

    repository_variable = "BUILD_SOURCESDIRECTORY"

    def format_group_start(self, title: str) -> str:
        """Return the line that starts a group."""
        return f"##[group]{make_printable(title)}"

    def format_group_end(self, title: str) -> str:  # noqa: ARG002
        """Return the line that ends a group."""
        return "##[endgroup]"

    def format_error(self, title: str, message: str, location: SourceLine | None) -> str:
        """Return the command that logs an error as an issue."""
        place = (
            ""
            if location is None
            else f";sourcepath={_escape(location.file, _AZURE_PROPERTY)};linenumber={location.line}"
        )
        return f"##vso[task.logissue type=error{place}]{_escape(f'{title}: {message}', _AZURE_DATA)}"

    def add_summary(self, name: str, markdown: str) -> str:
        """Write a summary file and return the command that uploads it."""
        from tempfile import gettempdir  # noqa: PLC0415 - slow to import, for every streamed run

        folder = os.environ.get("AGENT_TEMPDIRECTORY") or gettempdir()
        path = Path(folder, f"mlrun-{name}.md")
        path.write_text(markdown, encoding="utf-8")
        return f"##vso[task.uploadsummary]{_escape(os.fspath(path), _AZURE_DATA)}"


class GitLab(CiSystem):
    """GitLab CI, which supports sections but neither annotations nor summaries."""

    repository_variable = "CI_PROJECT_DIR"

    def format_group_start(self, title: str) -> str:
        """Return the line that starts a section."""
        title = make_printable(title)
        return f"\x1b[0Ksection_start:{int(time.time())}:{_build_section_name(title)}\r\x1b[0K{title}"

    def format_group_end(self, title: str) -> str:
        """Return the line that ends a section."""
        return f"\x1b[0Ksection_end:{int(time.time())}:{_build_section_name(title)}\r\x1b[0K"

    def format_error(self, title: str, message: str, location: SourceLine | None) -> str:
        """Return the error message in red."""
        place = "" if location is None else f"{location.file}:{location.line}: "
        return f"\x1b[31;1m{make_printable(f'{title}: {place}' + ' '.join(message.splitlines()))}\x1b[0m"

    def add_summary(self, name: str, markdown: str) -> None:
        """Do nothing: GitLab has no job summaries."""


_VARIABLES: Mapping[str, CiName] = {
    "GITHUB_ACTIONS": CiName.GITHUB,
    "TF_BUILD": CiName.AZURE,
    "GITLAB_CI": CiName.GITLAB,
}
_SYSTEMS: Mapping[CiName, type[CiSystem]] = {
    CiName.GITHUB: GitHub,
    CiName.AZURE: AzurePipelines,
    CiName.GITLAB: GitLab,
}
_GITHUB_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_GITHUB_PROPERTY = {**_GITHUB_DATA, ":": "%3A", ",": "%2C"}
_AZURE_DATA = {"%": "%AZP25", "\r": "%0D", "\n": "%0A"}
_AZURE_PROPERTY = {**_AZURE_DATA, ";": "%3B", "]": "%5D"}


def find_ci_system(name: CiName) -> CiSystem | None:
    """Return the CI system with the given name, or for `auto` the one that runs this process; None if there is none."""
    if name is CiName.AUTO:
        found = (ci for variable, ci in _VARIABLES.items() if os.environ.get(variable, "").lower() == "true")
        name = next(found, CiName.NONE)
    return None if name is CiName.NONE else _SYSTEMS[name]()


def _escape(text: str, replacements: Mapping[str, str]) -> str:
    """Return text with a CI system's special characters replaced, and other nonprintable ones escaped."""
    return "".join(replacements.get(sign) or make_printable(sign) for sign in text)


def _build_section_name(title: str) -> str:
    return "mlrun_" + re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
