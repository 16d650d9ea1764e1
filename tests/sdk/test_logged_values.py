"""What scripts log becomes what azureml-core makes of it, on every interpreter; `tests/oracles/logging_oracle.py`."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.data.sdk.logged_values import OTHERS, OURS, VALUES, expressions
from tests.running import Mlrun, interpreters
from tests.sdk.driving import drive, run_inside

_DATA = Path(__file__).parents[1] / "data" / "sdk"
_FACTS: Mapping[str, list[dict[str, Any]]] = json.loads((_DATA / "logged_facts.json").read_text(encoding="utf-8"))
_LEAST = {"log": 104, "log_list": 41, "log_row": 21, "log_table": 30, "log_confusion_matrix": 18}
"""How many of the expressions need nothing but Python."""

_LOG_ALL = """
import json, os
import logged_values
from azureml.core import Run

def log_all(run):
    seen = {}
    for call in (*logged_values.VALUES, *logged_values.OTHERS):
        for expression in logged_values.expressions(call if call in logged_values.VALUES else "log_confusion_matrix"):
            try:
                value = logged_values.value_of(expression)
            except ImportError:  # a package that this interpreter does not have
                continue
            name = call + " " + expression[:200]
            try:
                text = repr(value)
            except Exception:
                text = object.__repr__(value)
            error = None
            try:
                getattr(run, call)(name, **(value if call == "log_row" else {"value": value}))
            except Exception as raised:
                error = type(raised).__name__
                assert str(raised).strip(), name
            seen[name] = {"error": error, "repr": text}
    return seen

def main():
    run = Run.get_context()
    seen = log_all(run)
    os.makedirs("outputs", exist_ok=True)
    with open("outputs/seen.json", "w") as file:
        json.dump(seen, file)
    with open("outputs/populated.json", "w") as file:
        files = run.get_metrics(populate=True)
        json.dump({name: value.convert_to_object() for name, value in files.items() if hasattr(value, "data")}, file)

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    shutil.copy(_DATA / "logged_values.py", one.folder)
    one.script(_LOG_ALL)
    yield one
    one.close()


def test_the_facts_are_of_all_values_and_ours_are_among_them() -> None:
    for call in VALUES:
        assert [fact["value"] for fact in _FACTS[call]] == expressions(call)
        assert set(OURS[call]) <= set(expressions(call))
    assert len(_FACTS["log"]) > 140


@pytest.mark.parametrize("interpreter", interpreters(), ids=os.path.basename)
def test_a_script_that_logs_every_kind_of_value_completes_with_azures_metrics(mlrun: Mlrun, interpreter: str) -> None:
    mlrun.script(
        "script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n"
        f"    interpreterPath: {json.dumps(interpreter)}\n",
        "this.runconfig",
    )
    run_id = mlrun.ended("-c", "this")["run_id"]
    assert mlrun.show(run_id)["status"] == "Completed", mlrun.log(run_id)
    work = mlrun.run_folder(run_id) / "work" / "outputs"
    seen = json.loads((work / "seen.json").read_text(encoding="utf-8"))
    # JSON has no NaN.
    metrics = yaml.safe_load(mlrun("run", "metrics", "-r", run_id, "-o", "yaml").stdout)
    populated = json.loads((work / "populated.json").read_text(encoding="utf-8"))
    log = mlrun.log(run_id)
    wrong = []
    for call in (*VALUES, *OTHERS):
        as_call = call if call in VALUES else "log_confusion_matrix"
        tried = [fact for fact in _FACTS[as_call] if _name(call, fact) in seen]
        assert len(tried) >= _LEAST[as_call]
        for fact in tried:
            name = _name(call, fact)
            wanted, error = _wanted(as_call, fact, seen[name]["repr"])
            is_text = "text" in fact and fact["value"] not in OURS["log"]
            is_told = call == "log" and (is_text or fact["value"] in {"Unshowable()", "1 << 20000"})
            kept = populated.get(name) if as_call == "log_confusion_matrix" else metrics.get(name)
            told = log.count(f"log takes one value for {name!r},")
            found = (seen[name]["error"], name in metrics, _plain(kept), told)
            if found != (error, error is None, _plain(wanted), int(is_told)):
                wrong.append((name, found, error, wanted))
    assert not wrong
    assert metrics["log_confusion_matrix {'a': 1}"].startswith(f"aml://artifactId/ExperimentRun/dcid.{run_id}/log_conf")


def test_outside_of_a_run_every_kind_of_value_is_printed(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import train
        seen = train.log_all(train.Run.get_context())
        same({name: each["error"] for name, each in seen.items() if each["error"]}, {})
        assert len(seen) > 250, len(seen)
        """,
    )


def test_tables_of_other_columns_keep_their_rows_and_documents_their_names(mlrun: Mlrun) -> None:
    run_inside(
        mlrun,
        """
        import json
        run.log_table("t", {"x": [1, 2], "y": [3, 4]})
        run.log_table("t", {"y": [5], "z": "a"})
        run.log_row("t", x=6)
        run.log_table("t", {"z": ["b", "c"]})
        same(run.get_metrics("t")["t"], {
            "x": [1, 2, None, 6, None, None], "y": [3, 4, 5, None, None, None], "z": [None, None, "a", None, "b", "c"],
        })

        for name in ("cm", "inner/cm", "cm", "cm/below", "../cm", "user_logs/cm", "n" * 300, "", "."):
            run.log_confusion_matrix(name, json.dumps({"data": {"is": name}}))
        run.download_file("cm", "first.json")
        run.download_file("inner/cm", "inner.json")
        for path, name in (("first.json", "cm"), ("inner.json", "inner/cm")):
            with open(path) as file:
                same(json.load(file), {"data": {"is": name}})
        run.log_image("image", plot=Plot())
        run.log("address", "aml://artifactId/ExperimentRun/dcid.x/y")
        found = run.get_metrics(populate=True)
        same([each.convert_to_object()["data"]["is"] for each in found["cm"]], ["cm", "cm"])
        names = {name: [each.path for each in value] if isinstance(value, list) else value.path
                 for name, value in found.items() if name not in ("t", "address")}
        same((names["cm"][0], names["inner/cm"]), ("cm", "inner/cm"))
        assert set(names["cm"]) < set(run.get_file_names()), names
        same((found["image"].data, found["image"].metric_type), (b"\\x89PNG", "azureml.v2.image"))
        same(found["image"].data_location, run.get_metrics()["image"])
        same(run.get_metrics("image", recursive=True, populate=True)[run.id]["image"].data, b"\\x89PNG")
        same(found["address"], "aml://artifactId/ExperimentRun/dcid.x/y")
        """,
    )


def _name(call: str, fact: Mapping[str, Any]) -> str:
    return f"{call} {fact['value'][:200]}"


def _wanted(call: str, fact: Mapping[str, Any], text: str) -> tuple[Any, str | None]:
    """What `get_metrics` gives of it, or the class of the error that says why there is nothing."""
    if fact["value"] in OURS[call]:
        return OURS[call][fact["value"]], None
    if fact["value"] == "Unshowable()":  # there the training ends
        return text, None
    if "raises" in fact:
        return None, fact["raises"]
    if "text" in fact:
        return text, None
    if "rows" in fact:
        return _joined(call, fact["rows"]), None
    return fact["kept"] if call == "log" else fact["files"]["name"], None


def _joined(call: str, rows: list[dict[str, Any]]) -> Any:
    """The cells that azureml-core sends, as they were logged."""
    if call == "log_list":
        return [row["name"] for row in rows]
    if call == "log_row":
        return rows[0]
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _plain(value: Any) -> str:
    """The value as text in which NaN is itself, one row as a list of one, and no address of memory stands."""
    if isinstance(value, dict):
        value = {name: cells if isinstance(cells, list) else [cells] for name, cells in value.items()}
    return re.sub("0x[0-9a-f]{8,16}", "0x…", json.dumps(value, sort_keys=True))
