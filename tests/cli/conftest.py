from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

ORACLE = Path(__file__).parents[1] / "oracles" / "knack_oracle.py"
KNACK = "knack==0.14.0"
SAME = ("jmespath", "tabulate", "pyyaml", "pygments")  # what both print with must be the same

Knack = Callable[[object, str | None, str, bool], str | None]


@pytest.fixture(scope="session")
def knack_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a venv with knack, created once and kept in pytest's cache if that is in use."""
    wanted = [KNACK, *(f"{name}=={version(name)}" for name in SAME)]
    cache: pytest.Cache | None = getattr(request.config, "cache", None)  # `-p no:cacheprovider` sets none
    parent = tmp_path_factory.mktemp("oracles") if cache is None else cache.mkdir("oracles")
    folder = parent / "-".join([*wanted, f"python{sys.version_info[0]}.{sys.version_info[1]}"])
    if not folder.exists():
        # Made elsewhere and renamed into place, so that workers that run at once do not meet half a venv.
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
        uv = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", "--allow-existing", "--python", sys.executable, unfinished], check=True)
        subprocess.run([*uv, "pip", "install", "--python", unfinished / "bin" / "python", *wanted], check=True)
        try:
            unfinished.rename(folder)
        except OSError:
            assert folder.exists()
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def knack(knack_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knack]:
    """Return a function that returns the output of knack for a value, or None if knack fails."""
    command: list[str | Path] = [knack_python, ORACLE, tmp_path_factory.mktemp("knack")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8"
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def ask(value: object, query: str | None, output_format: str, colour: bool) -> str | None:
            request = {"value": value, "query": query, "format": output_format, "colour": colour}
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            answer: dict[str, str] = json.loads(stdout.readline())
            return answer.get("text")

        yield ask
