"""Journals that scripts have written by themselves, taken into a real store and read back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlrun_cli.actions.metrics import get_metrics
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.parameters import get_parameter_values
from mlrun_cli.runs.run import SCRIPT_RUN, build_run_record
from mlrun_cli.runs.script_end import ScriptEnd
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.finish import derive_error
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.store.metric_curves import STEP, TIME
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.running import find_files_with

GOOD = b'["m","good",1.0,null,0.5]\n'
HALF = "\ud800"

texts = st.one_of(st.sampled_from(["", "x", "a", "exp_2", "message", "\0", HALF]), st.text(max_size=5))
numbers = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 1e300, -1e300, 10**400, 9e12, -9e12, 253_402_300_800]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
documents = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3))
)
names = st.one_of(st.sampled_from(["x", "a"]), texts, documents)
times = st.one_of(st.just(1.0), numbers, documents)
steps = st.one_of(st.none(), numbers, documents)
columns = st.dictionaries(texts, st.one_of(scalars, st.lists(scalars, max_size=3), documents), max_size=3)
values = st.one_of(scalars, st.lists(scalars, max_size=3), columns, documents)
own = st.one_of(
    st.tuples(st.sampled_from("mlrticadp"), names, times, steps, values),
    st.tuples(st.sampled_from("mlrt"), names, times, steps, values, st.one_of(texts, documents)),
    st.tuples(st.sampled_from("gG"), times, st.one_of(columns, st.lists(texts, max_size=3), documents)),
    st.tuples(st.just("e"), times, st.one_of(st.sampled_from(["Failed", "Completed"]), documents), values),
    documents,
)
lines = st.one_of(
    st.one_of(own, st.tuples(st.just(">"), st.one_of(st.just("exp_2"), texts), own)).map(
        lambda line: json.dumps(line).encode()
    ),
    st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")),
    st.sampled_from(
        [
            b"[" * 200_000,
            b'["e",1.0,"Failed",{"message":' + b"[" * 600 + b"]" * 600 + b"}]",
            b'["g",1,["ab"]]',
            b'["m","x",1.0,null,0.5]',
        ]
    ),
)

END = ScriptEnd(exit_code=0, ended_at=1, duration_seconds=0.0, stopped=None)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """One with the runs `exp_1` and `exp_2`."""
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        for _ in range(2):
            with opened.transaction():
                experiment, number = opened.experiments.reserve_run_numbers("exp")
                columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "local"}
                opened.runs.insert(experiment, number, f"exp_{number}", status=RunStatus.RUNNING, **columns)
        yield opened


def ingest(workspace: Workspace, folder: Path) -> JournalReader:
    """A reader of the journals of `exp_1` in the folder, which has ingested all there is."""
    reader = JournalReader(workspace, folder, workspace.runs.get("exp_1").key)
    reader.ingest_all()
    return reader


def read_all(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """The metrics of a run, after everything about it has been read in each way that there is."""
    run = workspace.runs.get(run_id)
    metrics = get_metrics(workspace, run, name=None, last=False)
    shown: list[Any] = [
        build_run_record(run),
        derive_error(run, RunFolder(Path("none")), END),
        metrics,
    ]
    shown.append(get_metrics(workspace, run, name=None, last=True))
    for summary in workspace.metric_summaries.list(run.key, limit=100):
        assert workspace.metrics.get(run.key, summary.name).keys() == {summary.name}
        items = workspace.metrics.list_items(run.key, summary.name, limit=100)
        curves = [workspace.metric_curves.get_curve(run.key, summary.name, axis=over) for over in (STEP, TIME)]
        shown += [summary, items, *curves]
    json.dumps(shown, ensure_ascii=False).encode()
    return metrics


numbers_of_journals = count()


@settings(max_examples=150, derandomize=True)
@given(st.lists(lines, max_size=4))
@example([b'["m","x",1.0,null,0.5]', b'["m","x",-1e300,null,0.5]'])
@example([b'["t","x",1.0,null,5]'])
def test_whatever_a_line_holds_is_ingested_and_read_or_left_out(
    workspace: Workspace, tmp_path: Path, written: list[bytes]
) -> None:
    with workspace.transaction():
        for table in ("metric_values", "metrics", "run_tags"):
            workspace._database.execute(f"DELETE FROM {table}")
    number = next(numbers_of_journals)
    folder = tmp_path / str(number)
    folder.mkdir()
    (folder / f"{number}.jsonl").write_bytes(b"".join([GOOD, *(line + b"\n" for line in written), GOOD]))

    reader = ingest(workspace, folder)

    assert read_all(workspace, "exp_1")["good"] == [0.5, 0.5]
    read_all(workspace, "exp_2")
    assert "bug" not in "".join(reader.warnings)


def damage(workspace: Workspace, folder: Path) -> None:
    """Have `exp_1` log `lost` once, and the store fail with it whenever it does so again."""
    (folder / "1.jsonl").write_bytes(b'["m","lost",1.0,null,1]\n')
    ingest(workspace, folder)
    with workspace.transaction():
        workspace._database.execute("UPDATE metrics SET value_count = 'damaged'")


def test_lines_that_nobody_foresaw_cost_no_others(workspace: Workspace, tmp_path: Path) -> None:
    damage(workspace, tmp_path)
    lost = b'["m","lost",2.0,null,2]\n'
    (tmp_path / "2.jsonl").write_bytes(GOOD * 3 + lost + GOOD * 2 + lost + GOOD)
    (tmp_path / "3.jsonl").write_bytes(GOOD + lost)
    (tmp_path / "4.jsonl").write_bytes(GOOD)

    reader = ingest(workspace, tmp_path)

    (warning,) = reader.warnings
    assert warning.startswith("3 damaged lines ")
    assert "TypeError" in warning
    assert workspace.metrics.get(workspace.runs.get("exp_1").key, "good") == {"good": [0.5] * 8}
    assert ingest(workspace, tmp_path).warnings == ()


def test_a_session_leaves_no_line_out_for_an_error_that_may_be_its_scripts(
    workspace: Workspace, tmp_path: Path
) -> None:
    damage(workspace, tmp_path)
    session = tmp_path / "session"
    session.mkdir()
    (session / "s.jsonl").write_bytes(b'[">","exp_1",["m","lost",1.0,null,1]]\n')
    reader = JournalReader(workspace, session, None)
    for _ in range(2):
        with pytest.raises(TypeError):
            reader.ingest_all()
    assert workspace.journals.get_session_offset("s.jsonl") == 0


def test_what_is_said_of_other_runs_is_counted_when_it_cannot_be_stored(workspace: Workspace, tmp_path: Path) -> None:
    inner = ['["m","x",1.0,null,1]', '["t","x",1.0,null,5]', '["e",1.0,"Completed",null]', '[">","exp_2",["g",1,{}]]']
    about_gone = [f'[">","gone",{line}]' for line in (*inner[:2], '["G",1.0,["a"]]')]
    journal = "\n".join([*(f'[">","exp_2",{line}]' for line in inner), *about_gone, ""])
    (tmp_path / "1.jsonl").write_text(journal, encoding="ascii")

    (warning,) = ingest(workspace, tmp_path).warnings
    assert warning.startswith("6 damaged lines ")
    assert read_all(workspace, "exp_2") == {"x": 1}


def test_the_secrets_of_a_run_are_stored_from_no_journal(workspace: Workspace, tmp_path: Path) -> None:
    lines = [
        '["P",1.0,{"option":"hunter2-x","other":"adam"}]',
        '["m","word",1.0,null,"hunter2-x"]',
        '["m","x",1.0,null,0.5,"of hunter2-x"]',
        '["g",1.0,{"note":"for hunter2-x"}]',
        '[">","exp_2",["g",1.0,{"note":"hunter2-x"}]]',
        '["e",1.0,"Failed",{"message":"not \'hunter2-x\'"}]',
    ]
    (tmp_path / "1.jsonl").write_text("\n".join([*lines, ""]), encoding="ascii")
    key = workspace.runs.get("exp_1").key
    redactor = Redactor.for_run({}, ["train.py", "--password", "hunter2-x"])

    JournalReader(workspace, tmp_path, key, redactor).ingest_all()

    run = workspace.runs.get("exp_1")
    assert get_parameter_values(workspace.parameters.get(key)) == {"option": "***", "other": "adam"}
    assert workspace.metrics.get(key, None) == {"word": "***", "x": 0.5}
    assert (run.tags, run.wanted_error) == ({"note": "for ***"}, {"message": "not '***'"})
    assert workspace.runs.get("exp_2").tags == {"note": "***"}
    workspace._database.checkpoint()
    assert not find_files_with("hunter2", workspace.folder)


@pytest.mark.parametrize("place", ["file", "loop", "gone"])
def test_a_script_may_put_anything_in_the_place_of_its_journals(
    workspace: Workspace, tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "journal"
    if place == "file":
        folder.write_bytes(GOOD)
    elif place == "loop":
        folder.symlink_to(folder)
    assert ingest(workspace, folder).warnings == ()


def test_a_journal_whose_name_is_no_text_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    for name in (b"h\xff.jsonl", "h\u00e4.jsonl".encode()):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(GOOD)
    ingest(workspace, tmp_path)
    assert read_all(workspace, "exp_1") == {"good": 0.5}
