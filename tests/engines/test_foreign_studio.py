"""Studios on a home on a network file system: of the host that has it, and of another one, which only reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.engines.network_home import Host
from tests.running import kill, until

_CLIENT = """
import http.client, json, re, sys
from urllib.parse import urlencode, urlsplit

url, asked = urlsplit(sys.argv[1]), json.loads(sys.argv[2])
origin = f"{url.scheme}://{url.netloc}"

def ask(method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=120)
    connection.request(method, path, body, {"Host": url.netloc, **headers})
    answer = connection.getresponse()
    return answer, answer.read().decode()

signed_in, _ = ask("GET", f"/?{url.query}")
cookie = signed_in.getheader("set-cookie").partition(";")[0]
answers = []
for method, path, fields in asked:
    path = url.path.rpartition("/")[0] + path
    if method == "GET":
        answer, text = ask("GET", path, Cookie=cookie)
    else:
        _, form = ask("GET", url.path.rpartition("/")[0] + "/submit", Cookie=cookie)
        fields["csrf_token"] = re.search(r'name="csrf_token" value="(\\w+)"', form)[1]
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        answer, text = ask("POST", path, urlencode(fields), Cookie=cookie, **headers)
    answers.append((answer.status, text))
print(json.dumps(answers))
"""


_Request = tuple[str, str, dict[str, str]]


@contextmanager
def _serve(host: Host) -> Iterator[tuple[str, str]]:
    """Serve a studio on a host during the block; yield the URL that it prints, and what it has printed before."""
    with host.start("studio", "--no-browser", "--port", "0") as studio:
        try:
            assert studio.stderr is not None
            said = ""
            for line in studio.stderr:
                if line.startswith("Studio: "):
                    yield line.removeprefix("Studio: ").strip(), said
                    break
                said += line
            else:
                raise AssertionError(said)
        finally:
            kill(host.find_pid(studio))


def _find_port(url: str) -> str:
    return url.split(":")[2].partition("/")[0]


def _ask(host: Host, url: str, *asked: _Request) -> list[tuple[int, str]]:
    """Return the status and text of the answers of a host's studio to requests: method, path and fields of a form."""
    done: subprocess.CompletedProcess[str] = host.run(
        *host.enter, sys.executable, "-c", _CLIENT, url, json.dumps(asked)
    )
    assert done.returncode == 0, done.stderr
    answers: list[tuple[int, str]] = [(status, text) for status, text in json.loads(done.stdout)]
    return answers


def _edit_last_use(host: Host, pattern: str) -> None:
    """Write into each matching file of the home that it was last in use a minute earlier than it says."""
    for file in host.seen.glob(pattern):
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        text = json.dumps({**record, "used_at": record["used_at"] - 61_000_000})
        file.write_text(text.ljust(file.stat().st_size), encoding="utf-8")


def test_a_studio_on_another_host_shows_runs_and_changes_nothing(host: Host, other: Host) -> None:
    host.script("from azureml.core import Run\nRun.get_context().log('loss', 0.25)\nprint('hello')")
    with _serve(host) as (first_url, _):
        run_id = host.ended()["run_id"]
        before = host.describe_files()
        with _serve(other) as (url, said):
            assert "login1" in said and f":{_find_port(first_url)} there" in said
            run = f"/runs/{run_id}"
            pages: list[_Request] = [
                ("GET", path, {}) for path in ("/experiments", "/runs", run, f"{run}/metrics", f"{run}/logs")
            ]
            shown = _ask(other, url, *pages)
            assert [status for status, _ in shown] == [200] * len(pages)
            assert run_id in shown[1][1] and "0.25" in shown[3][1] and "hello" in shown[4][1]
            changes: list[_Request] = [
                ("POST", f"{run}/cancel", {}),
                ("POST", "/submit", {}),
                ("POST", "/views/save", {"name": "a"}),
            ]
            for status, text in _ask(other, url, *changes):
                assert status == 503 and "HomeInUse" in text and "login1, last seen " in text
            assert f":{_find_port(url)}/" in other.show(run_id)["web_view"]
            assert other("run", "open", "-r", run_id).returncode == 0
            assert host.describe_files() == before
            assert f":{_find_port(first_url)}/" in host.show(run_id)["web_view"]


_HEADER_SCRIPT = """
from azureml.core.authentication import InteractiveLoginAuthentication

print(InteractiveLoginAuthentication().get_authentication_header()["Authorization"])
"""


def test_a_script_gets_the_key_of_its_own_hosts_studio(host: Host, other: Host) -> None:
    host("workspace", "show")

    def ask(each: Host) -> subprocess.CompletedProcess[str]:
        return each.run(*each.enter, sys.executable, "-c", _HEADER_SCRIPT)

    with _serve(host):
        done = ask(host)
        assert done.stdout.startswith("Bearer "), done.stderr
        before = host.describe_files()
        assert "none is running" in ask(other).stderr
        assert host.describe_files() == before
        with _serve(other):
            assert ask(other).stdout == done.stdout


def test_a_studio_that_reads_follows_a_live_run_and_works_once_its_host_has_the_home(host: Host, other: Host) -> None:
    host.script("""
        from pathlib import Path
        import time
        print("first", flush=True)
        while not Path("outputs/go").exists():
            time.sleep(0.05)
        print("second", flush=True)
        while True:
            time.sleep(0.05)
    """)
    run_id = host.submit()
    host.script_pid(run_id)
    log: _Request = ("GET", f"/runs/{run_id}/logs", {})
    with _serve(other) as (url, _):
        until(lambda: "first" in _ask(other, url, log)[0][1])
        (host.run_folder(run_id) / "work" / "outputs" / "go").touch()
        until(lambda: "second" in _ask(other, url, log)[0][1])
        host("run", "cancel", "-r", run_id)
        host.wait(run_id)
        until(lambda: "Canceled" in _ask(other, url, ("GET", f"/runs/{run_id}", {}))[0][1])

        other("workspace", "show", "--take-over")
        (saved,) = _ask(other, url, ("POST", "/views/save", {"name": "mine", "query": "status=Failed"}))
        assert saved[0] == 303, saved[1]
        assert f":{_find_port(url)}/" in other.show(run_id)["web_view"]


def test_a_studio_that_was_killed_is_not_named_on_another_host(host: Host, other: Host) -> None:
    def describe_studio() -> str:
        failure = other.fails("run", "open", "-r", "@latest", exit_code=1)
        assert failure.code == "StudioNotRunning"
        return failure.text

    host.script("pass")
    with _serve(host) as (url, _):
        port = _find_port(url)
        named = f":{port} there; from here: ssh -L {port}:127.0.0.1:{port} login1"
        assert f":{port}/" in host.ended()["web_view"]
        until(lambda: named in describe_studio())  # the other host knows the names in a folder for a while

        def is_forgotten() -> bool:  # unless it is renewed in between
            _edit_last_use(host, "studio/serving/*.json")
            return named not in describe_studio()

        until(is_forgotten)
        until(lambda: named in describe_studio())  # it is renewed
    _edit_last_use(host, "studio/serving/*.json")

    assert "login1" in describe_studio() and named not in describe_studio()
