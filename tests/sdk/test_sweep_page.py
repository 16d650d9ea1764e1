from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from tests.running import Mlrun
from tests.sdk.driving import OLDEST, PYTHONS, drive, run_alone
from tests.sdk.sweeps import SWEEP, make_sweep

SVG = re.compile(r"<svg.*?</svg>")


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Mlrun:
    mlrun = Mlrun(tmp_path_factory.mktemp("sweep"))
    make_sweep(mlrun, [[0.1, 0.9, 0.5], [], [0.7, 0.8], [0.2]], failed=[2], terminated={3: "Ended <early>."})
    return mlrun


def test_a_notebook_shows_progress_table_curves_and_parallel_coordinates(mlrun: Mlrun) -> None:
    shown = json.loads(
        drive(
            mlrun,
            f"""
            import json, sys, types
            shown = []
            class Shell: pass
            display = types.ModuleType("IPython.display")
            display.display = lambda bundle, **named: shown.append(bundle)
            package = types.ModuleType("IPython")
            package.display, package.get_ipython = display, Shell
            sys.modules.update({{"IPython": package, "IPython.display": display}})
            from azureml.core import Run
            from azureml.widgets import RunDetails
            RunDetails(Run.get(Workspace.from_config(), {SWEEP!r})).show()
            print(json.dumps(shown))
            """,
        )
    )
    (bundle,) = shown
    page = bundle["text/html"]
    assert "4 of 8 runs have ended (1 Canceled, 2 Completed, 1 Failed)" in page
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    cells = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in rows]
    assert ["Run", "lr", "kind", "Best acc", "Last", "Values", "Status", ""] in cells
    assert [row[0] for row in cells[-4:]] == ["0", "2", "3", "1"]
    assert cells[-2] == ["3", "0.001", "b", "0.2", "0.2", "1", "Canceled", "Ended &lt;early&gt;."]
    curves, coordinates = (ET.fromstring(text) for text in SVG.findall(page))
    assert curves.get("aria-label") == "acc of 3 runs"
    assert len(curves.findall("polyline")) == 2
    assert len(curves.findall("circle")) == 1
    assert coordinates.get("aria-label") == "Parameters and acc of 3 runs"
    assert [one.findtext("title") for one in coordinates.findall("polyline")] == [f"{SWEEP}_{n}" for n in (3, 2, 0)]


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: "oldest" if python == OLDEST else "own")
def test_drawings_stand_any_values(python: str) -> None:
    runs: list[dict[str, Any]] = [
        {"run_id": "a<b", "best": 1e300, "values": {"lr": 1e-5, "k": "x" * 40}, "curve": [[0, 1e300], [1, -1e300]]},
        {"run_id": "b", "best": -1e300, "values": {"lr": 0.1, "k": [1, 2]}, "curve": [[0, 1.0]]},
        {"run_id": "c", "best": 0.0, "values": {"lr": None}, "curve": []},
        {"run_id": "d", "best": None, "values": {}, "curve": []},
    ]
    drawn = run_alone(
        f"""
        import json
        from azureml.widgets._sweep_drawings import draw_curves, draw_parallel_coordinates as draw
        runs = json.loads({json.dumps(runs)!r})
        odd = [dict(runs[0], best=float("inf"), curve=[[0, float("nan")], [1, float("inf")]])]
        same = [dict(run, best=1.0, values={{"lr": 3}}) for run in runs]
        print(json.dumps([
            draw_curves(runs, "<m>"), draw(runs, ["lr", "k"], "<m>"), draw(same, ["lr"], "m"), draw(runs, [], "m"),
            draw_curves(odd, "m"), draw(odd, ["lr"], "m"), draw_curves([], "m"),
        ]))
        """,
        python=python,
    )
    assert drawn[4:] == ["", "", ""]
    for text in drawn[:4]:
        numbers = [
            float(number)
            for number in re.findall(r"[ \",](-?[\d.]+)[\",]", " ".join(re.findall(r'points="[^"]*"', text)))
        ]
        assert all(math.isfinite(number) and 0 <= number <= 560 for number in numbers)
        assert ET.fromstring(text).tag == "svg"
