"""The pip requirements of an environment as requirements file lines that are valid in any folder."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.text_files import read_text
from mlrun_cli.errors import InvalidFile, Unsupported

_URL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LOCAL = re.compile(r"\.{0,2}/|\.$|\.\.$|~|file:|.*\.(whl|zip|tar\.gz|tgz|tar\.bz2)(\[.*\])?$|[^:]*/", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tgz)$")
_EXTRAS = re.compile(r"(.*?)(\[[\w.,\s-]*\])?")

_SHORT_OPTIONS = {
    "-i": "--index-url",
    "-f": "--find-links",
    "-e": "--editable",
    "-r": "--requirement",
    "-c": "--constraint",
}
_OPTIONS_OF_BOTH = {"--index-url", "--extra-index-url", "--no-index", "--no-binary", "--only-binary"}
_OPTIONS_OF_PIP = {"--pre", "--prefer-binary", "--trusted-host", "--require-hashes", "--use-feature"}
_OPTIONS_WITH_PATH = {"--find-links", "--constraint", "--editable"}
_OPTIONS = _OPTIONS_OF_BOTH | _OPTIONS_OF_PIP | _OPTIONS_WITH_PATH | {"--requirement"}
_FLAGS = {"--no-index", "--pre", "--prefer-binary", "--require-hashes"}
_MAX_FILES = 100
_MAX_NESTING = 20


@dataclass(frozen=True, slots=True)
class PipLine:
    """A line of a requirements file: an option or a requirement.

    Attributes:
        text: the line for the installer, with absolute paths.
        name: the normalized name of the package (`scikit-learn`); empty for options, and for paths and URLs that do
            not contain it.
        is_option: whether it is an option other than `--editable`.
        is_editable: whether the package is installed in editable mode.
        is_bare: whether it is only a name, so that any version is allowed.
        pip_only: whether it is an option that uv does not accept in a file.
        local: the local file or folder to which it refers, if any.
        file: the file that contains it.
    """

    text: str
    name: str = ""
    is_option: bool = False
    is_editable: bool = False
    is_bare: bool = False
    pip_only: bool = False
    local: Path | None = None
    file: Path | None = field(default=None, compare=False)


def parse_pip_requirements(lines: Sequence[str], folder: Path, path: Path) -> list[PipLine]:
    """Return the requirements in the given lines of `path`, expanding the files of `-r` options.

    Relative paths refer to `folder`.

    Raises:
        InvalidFile: a line or a `-r` file is not valid for pip; `-r` files are circular or too many.
        Unsupported: an option is not supported in a requirements file.
    """
    return list(_RequirementsReader().read(lines, folder, path))


def remove_version(line: str) -> str:
    """Return a requirement without its version; options, paths and URLs are unchanged."""
    named = _parse_requirement(line)
    if named is None or not named.specifier:
        return line
    named.specifier = SpecifierSet()
    return str(named)


def pins_single_release(line: str) -> bool:
    """Return whether a requirement pins a single release, like `numpy==1.18.4` or conda's `scipy==1.5.2.*`."""
    named = _parse_requirement(line)
    terms = [] if named is None else list(named.specifier)
    if len(terms) != 1 or terms[0].operator not in {"==", "==="}:
        return False
    version = terms[0].version
    return not version.endswith(".*") or len(Version(version.removesuffix(".*")).release) >= 3


def get_package_name(line: str) -> str:
    """Return the normalized name of a required package, or an empty string for options, paths and URLs."""
    named = _parse_requirement(line)
    return "" if named is None else canonicalize_name(named.name)


def get_extras(line: str) -> list[str]:
    """Return the extras of a requirement, such as `pandas` in `azureml-dataprep[pandas]`, in sorted order."""
    named = _parse_requirement(line)
    return [] if named is None else sorted(map(canonicalize_name, named.extras))


def is_azureml_package(name: str) -> bool:
    """Return whether a package is one of Azure's `azureml-…` packages, which this program replaces."""
    return canonicalize_name(name).startswith("azureml-")


def _parse_requirement(line: str) -> Requirement | None:
    """Parse a line of a requirements file; return None for options, paths and plain URLs.

    Options that follow a requirement, such as `--hash`, are ignored.
    """
    if line.startswith("-") or (_ARCHIVE.search(line) and "@" not in line):
        return None
    try:
        # The installer expands variables; any value will do here.
        return Requirement(_VARIABLE.sub("0", line.partition(" --")[0]))
    except InvalidRequirement:
        return None


class _RequirementsReader:
    """A reader of a list of requirements and the files that it includes."""

    def __init__(self) -> None:
        self._files = 0

    def read(self, lines: Sequence[str], folder: Path, path: Path, parents: tuple[Path, ...] = ()) -> Iterator[PipLine]:
        """Yield the requirements in the given lines of `path`; `parents` is the chain of files that include it."""
        for line in lines:
            if not line.startswith("-"):
                yield replace(_parse_requirement_line(line, folder, path), file=path)
                continue
            for option, value in _split_options(line, path):
                if option != "--requirement":
                    yield replace(_parse_option(option, value, folder, path), file=path)
                elif "://" in value:
                    shown = _redact_secrets(value)
                    raise Unsupported(f"{path}: '-r {shown}' is an address, which is not read.", hint="Use a file.")
                else:
                    yield from self._read_file(_make_absolute(value, folder), path, parents)

    def _read_file(self, file: Path, parent_file: Path, parents: tuple[Path, ...]) -> Iterator[PipLine]:
        if file in parents:
            circle = " -> ".join(str(each) for each in (*parents[parents.index(file) :], file))
            raise InvalidFile(parent_file, f"'-r {file}' leads back to itself: {circle}")
        self._files += 1
        if self._files > _MAX_FILES or len(parents) >= _MAX_NESTING:
            raise InvalidFile(
                parent_file,
                f"'-r {file}' is too much: at most {_MAX_FILES} files are read, {_MAX_NESTING} deep",
                hint="Write their lines into fewer files.",
            )
        if not file.exists():
            raise InvalidFile(parent_file, f"'-r {file}' names a file that does not exist")
        text = re.sub(r"\\\r?\n", " ", read_text(file))
        lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines()]
        yield from self.read([line for line in lines if line], file.parent, file, (*parents, file))


def _split_options(line: str, path: Path) -> Iterator[tuple[str, str]]:
    """Yield the long name of each option of a line with its value, or an empty string for a flag."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InvalidFile(path, f"'{_redact_secrets(line)}': {error}".lower()) from error
    while words:
        option, equals, value = words.pop(0).partition("=")
        if option[:2] in _SHORT_OPTIONS and len(option) > 2:
            option, equals, value = option[:2], "=", option[2:] + equals + value
        option = _SHORT_OPTIONS.get(option, option)
        if not option.startswith("--"):
            raise InvalidFile(path, f"'{_redact_secrets(line)}' is not understood from '{_redact_secrets(option)}' on")
        if option not in _OPTIONS:
            raise _build_unsupported_option_error(option, path)
        if not equals and option not in _FLAGS:
            if not words:
                raise InvalidFile(path, f"'{_redact_secrets(line)}' lacks the value of {option}")
            value = words.pop(0)
        yield option, value


def _build_unsupported_option_error(option: str, path: Path) -> Unsupported:
    variable = "PIP_" + option[2:].upper().replace("-", "_")
    return Unsupported(
        f"{path}: pip's '{option}' is not possible in a list of requirements.",
        hint=f"Remove it, or set the variable {variable} for pip.",
    )


def _parse_option(option: str, value: str, folder: Path, path: Path) -> PipLine:
    local = None
    if option in _OPTIONS_WITH_PATH and not (_URL.match(value) and not value.startswith("file:")):
        value, local = _resolve_local_path(value, folder, path)
    return PipLine(
        text=f"{option} {value}".rstrip(),
        is_option=option != "--editable",
        is_editable=option == "--editable",
        pip_only=option in _OPTIONS_OF_PIP,
        local=local,
    )


def _parse_requirement_line(line: str, folder: Path, path: Path) -> PipLine:
    named = _parse_requirement(line)
    if named is not None:
        is_bare = not (named.extras or named.specifier or named.url or named.marker)
        local = _get_path_from_url(named.url) if named.url and named.url.startswith("file:") else None
        return PipLine(line, name=canonicalize_name(named.name), is_bare=is_bare, local=local)
    name = _get_name_from_location(line)
    if (_URL.match(line) and not line.startswith("file:")) or is_azureml_package(name):
        return PipLine(line, name=name)
    if _LOCAL.match(line):
        text, local = _resolve_local_path(line, folder, path)
        return PipLine(text, name=name, local=local)
    raise InvalidFile(path, f"'{_redact_secrets(line)}' is not a requirement that pip takes")


def _get_name_from_location(location: str) -> str:
    """Return the package name in a URL or path such as `…/azureml_core-1.0-py3-none-any.whl`, or an empty string."""
    egg = re.search(r"[#&]egg=([\w.-]+)", location)
    file = re.search(r"([^/\\]+?)-\d[^/]*\.(?:whl|zip|tar\.gz|tgz|tar\.bz2)(?:[?#\[]|$)", location)
    found = egg or file
    return canonicalize_name(found[1]) if found else ""


def _resolve_local_path(text: str, folder: Path, path: Path) -> tuple[str, Path]:
    """Return a local requirement with its path made absolute, as a path or `file:` URL, and the path alone.

    Raises:
        InvalidFile: the path does not exist.
    """
    if text.startswith("file:"):
        return text, _get_path_from_url(text)
    split = _EXTRAS.fullmatch(text)
    bare, extras = (split[1], split[2] or "") if split else (text, "")
    local = _make_absolute(bare, folder)
    if not local.exists():
        raise InvalidFile(
            path,
            f"'{_redact_secrets(text)}' names a file or folder that does not exist",
            hint=f"Looked at {_redact_secrets(str(local))}.",
        )
    is_plain = re.fullmatch(r"[\w./+~=@-]+", str(local), re.ASCII)
    return (str(local) if is_plain else local.as_uri()) + extras, local


def _get_path_from_url(file_url: str) -> Path:
    """Return the local path in a `file:` URL."""
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - start-up

    return Path("/", unquote(urlsplit(file_url).path))


def _redact_secrets(line: str) -> str:
    return Redactor().redact_value(line)


def _make_absolute(text: str, folder: Path) -> Path:
    return Path(os.path.realpath(Path(folder, Path(text).expanduser())))
