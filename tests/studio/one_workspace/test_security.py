"""The studio's door: who may come in, from which page, by which name of the machine, and what is told to nobody."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser

from mlrun_cli.serving.studio_folder import StudioFolder
from mlrun_cli.studio.app import ACTIONS, FILES, PAGES
from tests.running import Mlrun, find_files_with
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio, serving

_OTHER_ADDRESS = "127.0.0.2"
"""Is this machine's too, and reaches what is served to everybody only."""

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def run_id(mlrun: Mlrun) -> str:
    """Return the id of a run, beside which there is a published pipeline."""
    step = "{type: PythonScriptStep, script_name: train.py, source_directory: .}"
    mlrun.script(f"pipeline: {{name: training, steps: {{Train: {step}}}}}", "pipeline.yml")
    mlrun.script("print(1)")
    mlrun("pipeline", "create", "-y", "pipeline.yml", "-n", "training")
    return RunMaker(mlrun.database.parent)()


def _addresses(studio: Studio, run_id: str, *, actions: bool = False) -> list[str]:
    """Every page, or where every form leads, filled in with what is there."""
    table = ACTIONS if actions else (*PAGES, *FILES)
    found = re.search(r'/pipelines/([^/"]+)"', studio.get(studio.urls.pipelines()).text)
    assert found is not None
    names = {"run_id": run_id, "experiment": "exp", "path": "train.py", "pipeline_id": found[1]}
    filled = [re.sub(r"{(\w+)[^}]*}", lambda found: names[found[1]], path) for path, _ in table]
    return [f"{studio.urls}{path}" for path in filled]


# --- the token -------------------------------------------------------------------------------------------------------


def test_only_who_knows_the_token_sees_anything(studio: Studio, run_id: str) -> None:
    addresses = [f"{studio.address}/", *_addresses(studio, run_id), f"{studio.address}/events"]
    for cookie in ("", f"{studio.cookie}x", f"{studio.cookie.partition('=')[0]}={studio.token}"):
        for address in addresses:
            answer = studio.ask("GET", address, cookie=cookie)
            assert answer.status == 401, address
            assert run_id not in answer.text.replace(address.removeprefix(studio.address), ""), address
    for address in (*_addresses(studio, run_id, actions=True), f"{studio.address}/events/x"):
        assert studio.ask("POST", address, cookie="", fields={}).status == 401, address
    assert studio.ask("GET", "/?token=wrong", cookie="").status == 403
    assert studio.ask("POST", "/login", cookie="", fields={"token": "wrong"}).status == 403


def test_the_token_opens_it_by_address_and_by_form(studio: Studio) -> None:
    here = studio.urls.runs("search=a+b").removeprefix(studio.address)
    by_address = studio.ask("GET", f"{here}&token={studio.token}", cookie="")
    by_form = studio.ask("POST", "/login", cookie="", fields={"token": studio.token, "next": here})
    for answer in (by_address, by_form):
        assert (answer.status, answer.headers["location"]) == (303, here)
        (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert (morsel["httponly"], morsel["samesite"].lower(), morsel["path"]) == (True, "lax", "/")
        assert studio.ask("GET", here, cookie=f"{morsel.key}={morsel.value}").status == 200


def test_another_program_of_this_machine_gets_no_cookie(browser: Browser, mlrun: Mlrun, studio: Studio) -> None:
    """Cookies do not tell ports apart, so that another server at the studio's host would get its cookie."""
    assert re.fullmatch(r"http://mlrun-[0-9a-f]{16}\.localhost:\d+", studio.origin)
    assert stat.S_IMODE((mlrun.home / "studio" / "host").stat().st_mode) == 0o600
    with _listening() as (port, got):
        for shown in (studio.origin, f"http://127.0.0.1:{studio.port}", f"http://localhost:{studio.port}"):
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{shown}/?token={studio.token}")
            page.wait_for_url(f"{studio.address}/**")
            assert studio.token not in page.url
            page.goto(f"{shown}/")
            (cookie,) = context.cookies(studio.origin)
            assert (cookie["expires"], cookie["httpOnly"]) == (-1, True)
            for host in ("127.0.0.1", "localhost", "elsewhere.localhost"):
                page.goto(f"http://{host}:{port}/")
            context.close()
        assert len(got) == 9
        assert set(got) == {None}


def test_the_token_typed_under_another_name_opens_the_page_under_its_own(browser: Browser, studio: Studio) -> None:
    page = browser.new_page()
    here = studio.urls.runs("search=a+b").removeprefix(studio.address)
    page.goto(f"http://127.0.0.1:{studio.port}{here}")
    page.get_by_label("Token").fill(studio.token)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"{studio.address}{here}")
    page.close()


def test_a_studio_that_is_told_its_name_keeps_to_it(mlrun: Mlrun) -> None:
    with serving(mlrun, allowed_hosts=("127.0.0.1",)) as studio:
        assert studio.origin == f"http://127.0.0.1:{studio.port}"
        assert studio.ask("GET", f"/?token={studio.token}", cookie="").status == 303


@contextmanager
def _listening() -> Iterator[tuple[int, list[str | None]]]:
    """Another program of this machine: its port, and the cookies it is sent."""
    got: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                got.append(self.headers["Cookie"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield server.server_port, got
        finally:
            server.shutdown()


def test_the_token_sends_nobody_to_another_site(studio: Studio) -> None:
    for place in ("//elsewhere.test/", "https://elsewhere.test", "/\\elsewhere.test", "/\t/elsewhere.test"):
        answer = studio.ask("POST", "/login", cookie="", fields={"token": studio.token, "next": place})
        assert answer.headers["location"] == "/", place
    assert studio.ask("GET", f"//elsewhere.test/?token={studio.token}", cookie="").headers["location"] == "/"


def test_the_token_is_told_on_the_terminal_alone(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    for address in (f"{studio.address}/?all=1", *_addresses(studio, run_id)):
        answer = studio.get(address)
        assert studio.token not in answer.text + str(answer.headers), address
    entered = studio.ask("GET", f"/?token={studio.token}", cookie="")
    assert studio.token not in entered.text + str(entered.headers)
    assert studio.token not in mlrun("run", "show", "-r", run_id).stdout
    assert find_files_with(studio.token, mlrun.home) == [mlrun.home / "studio" / "token"]


def test_the_token_lies_where_its_user_alone_can_read_it(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path)
    folder = StudioFolder(mlrun.home)
    token = mlrun.home / "studio" / "token"
    with serving(mlrun) as studio:
        door = folder.write_redirect_page(studio.urls.runs("search=<>"))
        for path in (token, door):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
        assert f"search=&lt;&gt;&amp;token={studio.token}" in door.read_text()
    token.chmod(0o640)
    with pytest.raises(AssertionError, match="Other users can read"):
        Studio(mlrun)


# --- who asks, and by what name --------------------------------------------------------------------------------------


def test_other_machines_cannot_reach_it(studio: Studio) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((_OTHER_ADDRESS, studio.port), timeout=10)


def test_a_name_that_was_bent_to_this_machine_is_refused(studio: Studio) -> None:
    port = studio.port
    for host in (
        "elsewhere.test",
        f"elsewhere.test:{port}",
        f"127.0.0.1.elsewhere.test:{port}",
        f"10.1.2.3:{port}",
        "",
    ):
        for path in ("/", f"/?token={studio.token}", "/static/x/studio.css", "/login"):
            answer = studio.ask("GET", path, headers={"Host": host, "X-Forwarded-Host": "127.0.0.1"})
            assert answer.status == 421, (host, path)
            assert "set-cookie" not in answer.headers


def test_what_a_proxy_would_say_is_not_believed(studio: Studio, run_id: str) -> None:
    forwarded = {"X-Forwarded-Host": "elsewhere.test", "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
    answer = studio.ask("GET", studio.urls.run(run_id), headers={**forwarded, "Forwarded": "host=elsewhere.test"})
    assert answer.status == 200
    assert "elsewhere.test" not in answer.text + str(answer.headers)


def test_a_name_that_was_allowed_is_answered(mlrun: Mlrun) -> None:
    with serving(mlrun, allowed_hosts=("hub.test",)) as studio:
        for host in ("hub.test", "HUB.test:443", "localhost:1"):
            assert studio.ask("GET", studio.urls.runs(), headers={"Host": host}).status == 200
        assert studio.ask("GET", "/", headers={"Host": "x.hub.test"}).status == 421


def test_a_form_comes_through_a_proxy_that_asks_by_another_name(mlrun: Mlrun) -> None:
    with serving(mlrun, allowed_hosts=("hub.test",)) as studio:
        fields = {"csrf_token": studio.csrf_token(), "name": "mine", "query": ""}
        for origin, status in (("https://hub.test", 303), ("https://elsewhere.test", 403)):
            answer = studio.ask("POST", studio.urls.views("save"), fields=fields, headers={"Origin": origin})
            assert answer.status == status, origin


@pytest.mark.parametrize("other", ['x={"a": 1}', "my cookie=1", "a[b]=1,2"])
def test_cookies_of_other_programs_lock_nobody_out(studio: Studio, other: str) -> None:
    answer = studio.ask("GET", studio.urls.runs(), cookie=f"{other}; {studio.cookie}")
    assert answer.status == 200


def test_pages_of_other_sites_can_send_nothing(studio: Studio) -> None:
    word = studio.csrf_token()
    fields = {"csrf_token": word, "page": "runs", "name": "sent-from-elsewhere", "query": ""}
    port = studio.port
    for origin in (
        "https://elsewhere.test",
        "null",
        "http://127.0.0.1",
        f"http://127.0.0.1:{port}0",
        f"http://localhost:{port}",
    ):
        answer = studio.ask("POST", studio.urls.views("save"), fields=fields, headers={"Origin": origin})
        assert answer.status == 403, origin
    sent = f"csrf_token={word}&page=runs&name=sent-from-elsewhere&query="
    for site in ("cross-site", "same-site"):
        headers = {**_FORM, "Sec-Fetch-Site": site}
        assert studio.ask("POST", studio.urls.views("save"), body=sent, headers=headers).status == 403, site
    assert "sent-from-elsewhere" not in studio.get(studio.urls.views()).text
    assert studio.ask("POST", studio.urls.views("save"), fields=fields).status == 303


def test_nothing_is_done_without_the_word_of_a_page(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    before = _all_rows(mlrun)
    for address in _addresses(studio, run_id, actions=True):
        for fields in ({}, {"csrf_token": ""}, {"csrf_token": "0" * 64}, {"csrf_token": studio.token}):
            sent = {"name": "a", "page": "runs", "run": run_id, "do": "submit", **fields}
            assert studio.ask("POST", address, fields=sent).status == 403, (address, fields)
        answer = studio.ask("POST", address, body="{}", headers={"Content-Type": "application/json"})
        assert answer.status == 415, address
    assert _all_rows(mlrun) == before


def test_reading_changes_nothing(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    before = _all_rows(mlrun)
    for method in ("GET", "HEAD"):
        for address in (*_addresses(studio, run_id), *_addresses(studio, run_id, actions=True)):
            studio.ask(method, f"{address}?name=a&run={run_id}&do=submit&page=runs&version=1")
    assert _all_rows(mlrun) == before


def test_names_in_an_address_lead_to_no_other_folder(mlrun: Mlrun, studio: Studio) -> None:
    around = mlrun.home.parent
    shutil.copytree(mlrun.database.parent, around / "outside")
    before = sorted(around.rglob("*"))
    up = "%2e%2e"
    for names in (
        f"{up}/{up}/outside",
        f"{up}/{up}%2foutside/.",
        f"a/{up}/{up}",
        f"{up}%2f{up}/{up}/{up}",
        f"a/{up}/{up}%2f{up}%2f{up}",
        "%2e/%2e/%2e",
        "a%00/b/c",
        "%2ftmp/a/b",
    ):
        answer = studio.get(f"{studio.address}/w/{names}/runs")
        assert answer.status == 404, names
        assert [code for code, _ in answer.problems] in (["WorkspaceNotFound"], ["PageNotFound"]), names
    assert sorted(around.rglob("*")) == before


# --- served otherwise ------------------------------------------------------------------------------------------------


def test_served_to_everybody_it_asks_for_the_same(mlrun: Mlrun, run_id: str) -> None:
    with serving(mlrun, host="0.0.0.0") as studio:
        with socket.create_connection((_OTHER_ADDRESS, studio.port), timeout=10):
            pass
        host = {"Host": f"192.0.2.1:{studio.port}"}
        assert studio.ask("GET", studio.urls.run(run_id), headers=host, cookie="").status == 401
        assert studio.ask("GET", studio.urls.run(run_id), headers=host).status == 200
        assert studio.ask("GET", "/", headers={"Host": "elsewhere.test"}).status == 421
        elsewhere = {**host, "Origin": "http://elsewhere.test"}
        assert studio.ask("POST", studio.urls.cancel_form(), fields={"run": run_id}, headers=elsewhere).status == 403
        own = {**host, "Origin": f"http://{host['Host']}"}
        assert studio.ask("POST", studio.urls.cancel_form(), fields={"run": run_id}, headers=own).status == 403


def test_it_speaks_tls(mlrun: Mlrun, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    kind = ("-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "2")
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", "req", *kind, *names, *files], check=True, capture_output=True)
    with serving(mlrun, certfile=str(certificate), keyfile=str(key)) as studio:
        assert studio.address.startswith("https://127.0.0.1:")
        assert studio.get(studio.urls.experiments()).status == 200
        answer = studio.ask("GET", f"/?token={studio.token}", cookie="")
        (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert morsel["secure"] is True


def test_behind_a_proxy_all_its_addresses_have_the_path_of_the_proxy(mlrun: Mlrun, run_id: str) -> None:
    with serving(mlrun, base_path="/user/me/studio") as studio:
        answer = studio.ask("GET", f"/user/me/studio/?token={studio.token}", cookie="")
        assert answer.headers["location"] == "/user/me/studio/"
        (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert morsel["path"] == "/user/me/studio"
        whole = studio.urls.run(run_id)
        page = studio.get(whole)
        assert page.status == 200
        named = re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text)
        assert len(named) > 10
        assert [address for address in named if not address.startswith("/user/me/studio/")] == []
        for address in named:
            assert studio.get(address).status < 400, address
        # Some proxies take the path away.
        assert studio.get(whole.removeprefix(studio.address)).text == page.text
        assert studio.ask("GET", "/user/me/studio", cookie="").status == 401
        assert studio.get(f"{whole}/").status == 404


def _all_rows(mlrun: Mlrun) -> list[object]:
    tables = [name for (name,) in mlrun.stored("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    rows: list[object] = [(name, mlrun.stored(f'SELECT * FROM "{name}"')) for name in tables]
    return [*rows, sorted(os.listdir(mlrun.database.parent / "runs"))]
