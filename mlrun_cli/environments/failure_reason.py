"""The reason why an environment could not be built, extracted from the installer's output as one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

_COMPLAINTS = ("error:", "\N{MULTIPLICATION SIGN}")

# Compiled only when a supervisor needs them, after a failed build.

# The output of a program that pip or uv ran to build a package: today's pip, pip before 2022, and uv.
_OUTPUT_OF_BUILD = (
    r"(?ms)^[ \t]*\S+> \[\d+ lines of output\]\n(?P<pip>.*?)^[ \t]*\[end of output\]"
    r"|^[ \t]*Complete output[^\n]*\n(?P<old_pip>.*?)^[ \t]*-{20,}$"
    r"|^[ \t]*\[std(?:out|err)\]\n(?P<uv>.*?)(?=^\S|^[ \t]*hint:|\Z)"
)
_BUILT = (
    r"(?m)Failed to (?:build|download and build) [`'](?P<uv>[^`']+)[`']"
    r"|(?:Building wheel|Running setup\.py install|Failed building wheel) for (?P<wheel>[\w.-]+)"
    r"|^[ \t]*(?:Collecting|Processing) (?P<begun>\S+)"
)
_OF_THAT_BUILD = r"(?i)build|subprocess-exited-with-error|metadata-generation-failed|legacy-install-failure|errored out"
_OF_COMPILER = r"(?m)^\S+:\d+(?::\d+)?: (?:fatal )?error: .+|^.*: fatal error: .+"
_EXCEPTION = r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Warning|NotFound)\b.*"
_NOT_REACHED = r"connection broken by '(?P<kind>\w+)\((?:['\"]?<.+?>: |\w+\()?['\"]?(?P<error>.+?)['\"),]*': /"
_CONFLICT = r"(?ms)^ERROR: (?P<what>Cannot install .+? because .+?)\n(?P<rest>.*?)^To fix this"
_OF_CONDA = r"(?m)^(?:\w+Error|ResolvePackageNotFound|PackagesNotFoundError):.*"
_NO_TIMES = "is missing an upload date"
_CAUSE_OF_UV = " cause: "
"""The separator between a failure and its cause, which are on separate lines."""
_MAX_LETTERS = 600


def extract_failure_reason(output: str) -> str:
    """Return the cause of a failure, as reported by pip, uv or conda at the end of its output.

    If a package could not be built, its error takes precedence over the installer's message.
    """
    text = output.replace("\r", "\n")
    if _NO_TIMES in text:
        return (
            "the index does not say when its packages were uploaded, without which none of a day can be chosen "
            f"({_extract_last_error(text)})"
        )
    reason = _find_build_failure(text) or _find_conflict(text) or _find_conda_error(text) or _extract_last_error(text)
    if "No matching distribution" in reason and (broken := list(re.finditer(_NOT_REACHED, text))):
        return f"{reason} (The index was not reached: {broken[-1]['error']}.)"
    return reason


def reports_unreachable_index(output: str) -> bool:
    """Return whether an installer's output shows that no index could be reached.

    If only one of several indexes is unreachable, pip continues and lists the versions that the others have.
    """
    by_pip = "connection broken by" in output and re.search(r"\(from versions: (?:none)?\)", output) is not None
    return by_pip or "error sending request" in output


def reports_untrusted_certificate(output: str) -> bool:
    """Return whether uv's output reports an invalid TLS certificate, such as one from an unknown issuer."""
    return "invalid peer certificate" in output


def _find_build_failure(text: str) -> str | None:
    """Return a message with the package that failed to build and its error, or None if no build failed."""
    begins, ends = text.find(" lines of output]"), text.find("[end of output]")
    if ends >= 0 and not 0 <= begins < ends:
        text = f"╰─> [0 lines of output]\n{text}"  # only the end of the log was read
    outputs = list(re.finditer(_OUTPUT_OF_BUILD, text))
    if not outputs or any(map(_is_error_of_other_build, text[outputs[-1].end() :].splitlines())):
        return None
    # uv shows a program's stdout and then its stderr, each if not empty; the last one contains the error.
    lines = list(_clean_lines(outputs[-1][0]))
    cause = _extract_build_error(lines)
    # pip mentions the package after the output, uv before it.
    built = re.compile(_BUILT)
    named = [*built.finditer(text, 0, outputs[-1].start()), *built.finditer(text, outputs[-1].end())]
    names = [match.group(match.lastgroup or 0) for match in named]
    return (
        f"{_shorten_package_name(names[-1])} could not be built: {cause}"
        if names
        else f"A package could not be built: {cause}"
    )


def _is_error_of_other_build(line: str) -> bool:
    """Return whether a line after a build's output is an error that does not refer to that build."""
    return line.lower().startswith("error:") and re.search(_OF_THAT_BUILD, line) is None


def _clean_lines(output: str) -> Iterator[str]:
    """Yield the non-empty lines of a build's output without pip's frame around it and without common indentation."""
    inner = [line for line in output.splitlines()[1:] if not re.fullmatch(r"\s*(\[\w+( of output)?\]|-{20,})", line)]
    indent = min((len(line) - len(line.lstrip()) for line in inner if line.strip()), default=0)
    return (line[indent:].rstrip() for line in inner if line.strip())


def _extract_build_error(lines: Sequence[str]) -> str:
    """Return the compiler's error, or else the last line that names an exception or error, or else the last line."""
    text = "\n".join(lines)
    compiler = re.search(_OF_COMPILER, text)
    if compiler is not None:
        return compiler[0].strip()[:_MAX_LETTERS]
    telling = [line for line in lines if re.match(_EXCEPTION, line) or line.lower().startswith("error:")]
    return next(reversed(telling or lines), "it printed nothing")[:_MAX_LETTERS]


def _shorten_package_name(name: str) -> str:
    """Return a package's name without its source, such as `badcc` for `badcc @ file:///…`."""
    return name.partition(" @ ")[0].rpartition("/")[2]


def _find_conflict(text: str) -> str | None:
    """Return pip's report of conflicting versions as one line, or None if there is none."""
    conflict = re.search(_CONFLICT, text)
    if conflict is None:
        return None
    listed = takewhile(str.strip, conflict["rest"].strip("\n").splitlines())
    causes = [line.strip() for line in listed if line.startswith(" ")]
    return f"{conflict['what']} {'; '.join(causes)}".strip()[:_MAX_LETTERS]


def _find_conda_error(text: str) -> str | None:
    """Return conda's last exception with the packages that it mentions, or None if there is none."""
    found = list(re.finditer(_OF_CONDA, text))
    if not found:
        return None
    following = text[found[-1].end() :].lstrip("\n").splitlines()
    named = takewhile(lambda line: re.match(r"\s+- ", line), following)
    return " ".join([found[-1][0].strip(), *(line.strip() for line in named)])[:_MAX_LETTERS]


def _extract_last_error(text: str) -> str:
    """Return the last error message in an installer's output, or else its last line."""
    lines = [line.strip().removeprefix("╰─▶").strip() for line in text.splitlines()]
    starts = [number for number, line in enumerate(lines) if line.lower().startswith(_COMPLAINTS)]
    if not starts:
        return next((line for line in reversed(lines) if line), "it printed nothing")
    paragraph = takewhile(lambda line: line and not line.startswith("hint:"), lines[starts[-1] :])
    told = " ".join(paragraph).removeprefix("\N{MULTIPLICATION SIGN}").replace(_CAUSE_OF_UV, ": ").strip()
    filtered = next((line.removeprefix("hint:").strip() for line in lines if "filtered by `exclude-newer`" in line), "")
    return f"{told} ({filtered.partition(' Consider')[0]})" if filtered else told
