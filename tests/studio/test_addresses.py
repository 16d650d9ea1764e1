"""The addresses that commands and scripts print: they open the right page when the studio runs, and hold no token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.running import Mlrun
from tests.studio.serving import Studio, serving

_NAME = "exp ü & <b>?#%2e"


def test_every_address_of_a_run_opens_its_page(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(
        """
        from azureml.core import Run
        run = Run.get_context()
        print("run", run.get_portal_url())
        print("experiment", run.experiment.get_portal_url())
        """
    )
    done = mlrun("run", "submit-script", "-e", _NAME, "train.py")
    record = mlrun.json("run", "show", "-e", _NAME, "-r", "@latest")
    address = studio.urls.run(record["run_id"])
    assert record["web_view"] == address
    assert done.stderr.count(f"Web View: {address}\n") == 2
    assert f"run {address}\nexperiment {studio.urls.experiment(_NAME)}\n" in done.stderr
    outside = mlrun.python(
        "-c",
        "import sys; from azureml.core import Workspace; workspace = Workspace.from_config()\n"
        "run = workspace.get_run(sys.argv[1]); print(run.get_portal_url(), run.experiment.portal_url)",
        record["run_id"],
    )
    assert outside == f"{address} {studio.urls.experiment(_NAME)}\n"
    for each in (address, studio.urls.experiment(_NAME)):
        page = studio.get(each)
        assert page.status == 200
        assert "exp ü &amp; &lt;b&gt;?#%2e" in page.text


def test_an_address_at_a_chosen_port_stays_what_it_was_when_the_studio_has_ended(mlrun: Mlrun) -> None:
    mlrun.script("print()")
    record: dict[str, Any] = mlrun.json("run", "submit-script", "train.py")
    host = f"mlrun-{(mlrun.home / 'studio' / 'host').read_text()}.localhost"
    usual = f"http://{host}:8642/w/{'/'.join(mlrun.database.parent.parts[-3:])}/runs/{record['run_id']}"
    assert record["web_view"] == usual
    with serving(mlrun, base_path="/me") as studio:
        address = studio.urls.run(record["run_id"])
        assert mlrun.show(record["run_id"])["web_view"] == address != usual
        studio.stop()
        assert mlrun.show(record["run_id"])["web_view"] == usual, "a free port that the next studio will not have"
        studio.start()
    assert mlrun.show(record["run_id"])["web_view"] == address
    (mlrun.home / "studio" / "address.json").write_text("rubbish")
    assert mlrun.show(record["run_id"])["web_view"] == usual


@pytest.fixture
def opened(mlrun: Mlrun, tmp_path: Path) -> Path:
    """The file in which the user's browser notes what it was given."""
    noted = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{noted}"\necho noise\n')
    browser.chmod(0o755)
    mlrun.environment["BROWSER"] = str(browser)
    return noted


def test_open_shows_the_page_and_prints_its_address(mlrun: Mlrun, studio: Studio, opened: Path) -> None:
    mlrun.script("print()")
    run_id = mlrun.submit()
    for words, address in (
        (("run", "open", "-r", "@latest"), studio.urls.run(run_id)),
        (("experiment", "open"), studio.urls.experiment("exp")),
    ):
        assert mlrun.json(*words) == {"address": address}
        door = mlrun.home / "studio" / "door.html"
        assert opened.read_text() == door.as_uri()
        assert f'url={address}?token={studio.token}"' in door.read_text()


def test_without_a_browser_the_address_is_printed_all_the_same(mlrun: Mlrun, studio: Studio) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        mlrun.environment.pop(name, None)
    mlrun.script("print()")
    run_id = mlrun.submit()
    done = mlrun("run", "open", "-r", run_id, "--query", "address", "-o", "tsv")
    assert done.stdout == f"{studio.urls.run(run_id)}\n"
    assert "browser" in done.stderr


def test_open_says_how_the_studio_is_started(mlrun: Mlrun, opened: Path) -> None:
    mlrun.script("print()")
    run_id = mlrun.submit()
    with serving(mlrun) as studio:
        root = studio.address.replace(f":{studio.port}", ":8642")
    refused = mlrun.fails("run", "open", "-r", run_id, exit_code=1)
    assert (refused.code, refused.target) == ("StudioNotRunning", root)
    assert root in refused.message and "mlrun studio" in refused.hint
    assert not opened.exists()


def test_open_of_what_is_not_there_is_refused(mlrun: Mlrun, studio: Studio, opened: Path) -> None:
    assert mlrun("run", "open", "-r", "nothing", check=False).returncode == 3
    assert mlrun("experiment", "open", "-e", "nothing", check=False).returncode == 3
    assert not opened.exists()
    assert studio.process.poll() is None
