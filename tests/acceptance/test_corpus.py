"""Runconfigs of public repositories, with all their oddities: each loads and would run, or says what to change.

What a file names and a repository would have beside it (script, conda file) is put there for the test. `expected.json`
has what each comes to under `MLRUN_ENVIRONMENT=relaxed`, since most pin a Python of their year.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from mlrun_cli.runconfigs.search import search_runconfigs
from mlrun_cli.submit.check import Verdict, check_runconfig

CORPUS = Path(__file__).parents[1] / "data" / "runconfigs" / "corpus"
EXPECTED: dict[str, str] = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
NAMES = sorted(path.name for path in CORPUS.iterdir() if path.name not in {"README.md", "expected.json"})


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PATH with Python and mpirun, and without spark-submit, Rscript, conda and docker."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "python").symlink_to(sys.executable)
    (folder / "mpirun").symlink_to("/bin/true")
    return folder


def judged(file: Path, programs: Path) -> Verdict:
    environment = {"PATH": str(programs), "MLRUN_ENVIRONMENT": "relaxed"}
    return check_runconfig(file, file.parent, workspace=None, home=programs / "home", environ=environment)


def told(verdict: Verdict) -> str:
    return verdict.would_run_as or f"refused: {verdict.short_reason}"


@pytest.mark.parametrize("name", NAMES)
def test_each_would_run_or_is_refused_with_what_to_change(tmp_path: Path, programs: Path, name: str) -> None:
    file = tmp_path / "a folder" / "aml_config" / name
    file.parent.mkdir(parents=True)
    shutil.copyfile(CORPUS / name, file)
    for missing in judged(file, programs).missing:
        path = file.parent.parent / missing
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("dependencies: [python=3.6.2, {pip: [azureml-defaults, numpy==1.14]}]\n", encoding="utf-8")
    verdict = judged(file, programs)

    assert verdict.missing == ()
    assert told(verdict).replace(str(programs), "BIN") == EXPECTED[name]
    assert (verdict.refused_because is None) == (verdict.hint is None) == (verdict.would_run_as is not None)
    for note in verdict.notes:
        assert "\n" not in note


def test_all_of_them_are_found_in_a_folder_that_is_not_attached() -> None:
    assert [path.name for path in search_runconfigs(CORPUS)] == NAMES
    assert EXPECTED.keys() == set(NAMES)
