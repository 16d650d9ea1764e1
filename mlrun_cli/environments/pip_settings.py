"""pip's settings, from its configuration files and environment variables, converted for uv."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from configparser import Error, RawConfigParser
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple

# pip's variable without its prefix, and uv's variables; of several equivalent ones, the first is set.
_TO_UV = {
    "INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "EXTRA_INDEX_URL": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "FIND_LINKS": ("UV_FIND_LINKS",),
    "NO_INDEX": ("UV_NO_INDEX",),
    "CONSTRAINT": ("UV_CONSTRAINT",),
    "CERT": ("SSL_CERT_FILE",),
    "CLIENT_CERT": ("SSL_CLIENT_CERT",),
    "TRUSTED_HOST": ("UV_INSECURE_HOST",),
    "PROXY": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
    "TIMEOUT": ("UV_HTTP_TIMEOUT",),
    "DEFAULT_TIMEOUT": ("UV_HTTP_TIMEOUT",),
    "RETRIES": ("UV_HTTP_RETRIES",),
}
_OF_INDEXES = ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX")
_UV_NAMES_INDEXES = re.compile(
    r"^\s*(?:\[\[(?:pip\.)?index\]\]|(?:(?:extra-)?index-url|index|find-links|no-index)\s*=)", re.MULTILINE
)
# pip's HTTP library also reads these.
_CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_SECTIONS = ("global", "install")


class PipSettings(NamedTuple):
    """pip's settings as environment variables for uv.

    Attributes:
        variables: the variables for uv, without those that the user has already set.
        file_settings: the settings that come from files, by pip's names, such as `index-url`.
        files: these files.
    """

    variables: Mapping[str, str]
    file_settings: Sequence[str] = ()
    files: Sequence[Path] = ()


def build_uv_settings(
    environ: Mapping[str, str], python_prefix: Path | None, *, has_index: bool = False
) -> PipSettings:
    """Return the settings that make uv use the same indexes, certificates and proxies as pip.

    Args:
        environ: the user's environment variables.
        python_prefix: the prefix of the Python whose pip would be used, which may contain a pip.conf.
        has_index: whether the requirements set an index URL, which in pip overrides the configured one.
    """
    of_variables = {name[4:]: value for name, value in environ.items() if name.startswith("PIP_") and value}
    in_files, files = _read_config_files(environ, python_prefix)
    if _uv_has_indexes(environ):
        in_files = {name: value for name, value in in_files.items() if name not in _OF_INDEXES}
    known = in_files | of_variables
    if "CERT" not in known and (bundle := next(filter(None, map(environ.get, _CERTIFICATE_VARIABLES)), None)):
        known["CERT"] = bundle
    variables, file_settings = {}, []
    for name, for_uv in _TO_UV.items():
        if name not in known or any(environ.get(each) for each in for_uv) or (has_index and name == "INDEX_URL"):
            continue
        words = known[name].split()
        variables[for_uv[0]] = ("," if name == "FIND_LINKS" else " ").join(words)
        if name not in of_variables and name in in_files:
            file_settings.append(name.lower().replace("_", "-"))
    if "HTTPS_PROXY" in variables and not any(environ.get(name) for name in ("HTTP_PROXY", "http_proxy")):
        variables["HTTP_PROXY"] = variables["HTTPS_PROXY"]
    return PipSettings(variables, file_settings, files if file_settings else ())


def _read_config_files(environ: Mapping[str, str], python_prefix: Path | None) -> tuple[dict[str, str], list[Path]]:
    """Return the settings in pip's configuration files, keyed by upper-case name, and the files read.

    As documented in pip's user guide, "Configuration", later files override earlier ones, and the section `install`
    overrides `global`.
    """
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    read = []
    for path in _iterate_config_paths(environ, python_prefix):
        parser = RawConfigParser()
        try:
            is_read = parser.read(path, encoding="utf-8")
        except (Error, OSError, ValueError):
            continue
        if not is_read:
            continue
        read.append(path)
        for section in filter(parser.has_section, _SECTIONS):
            for key, value in parser.items(section):
                found[section][key.removeprefix("--").replace("-", "_").upper()] = value.strip()
    merged = found["global"] | found["install"]
    return {name: value for name, value in merged.items() if value}, read


def _iterate_config_paths(environ: Mapping[str, str], python_prefix: Path | None) -> Iterator[Path]:
    """Yield the paths of pip's configuration files, in increasing order of precedence."""
    own = environ.get("PIP_CONFIG_FILE")
    if own == os.devnull:
        return
    home = Path(environ.get("HOME") or "/")
    for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    if not (own and os.path.exists(own)):
        yield home / ".pip" / "pip.conf"
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    active = environ.get("VIRTUAL_ENV")
    yield from (Path(prefix, "pip.conf") for prefix in (python_prefix, active) if prefix)
    if own:
        yield Path(own)


def _uv_has_indexes(environ: Mapping[str, str]) -> bool:
    """Return whether uv's configuration files specify package indexes or links."""
    if environ.get("UV_NO_CONFIG"):
        return False
    home = Path(environ.get("HOME") or "/")
    own = environ.get("UV_CONFIG_FILE")
    places = [Path(own)] if own else [Path(environ.get("XDG_CONFIG_HOME") or home / ".config", "uv", "uv.toml")]
    places += [Path(folder, "uv", "uv.toml") for folder in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")]
    places.append(Path("/etc/uv/uv.toml"))
    return any(_UV_NAMES_INDEXES.search(_read_text(place)) for place in places)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
