from __future__ import annotations

import errno
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running import Failure, failure_of

TOOL = Path(__file__).parents[1] / "data" / "cli" / "tool.py"
Environment = dict[str, str]


@pytest.fixture
def environment(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A user who has never used az."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "COLUMNS"))}
    return {**kept, "HOME": str(tmp_path), "MLRUN_HOME": str(tmp_path_factory.mktemp("home")), "COLUMNS": "80"}


@pytest.fixture
def tool(environment: Environment, tmp_path: Path) -> Tool:
    return Tool(environment, tmp_path)


class Tool:
    """Runs the small program of tests/data in a folder of its own."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        self.folder = folder

    def __call__(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, TOOL, *words],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def fails(self, *words: str, exit_code: int = 2, **variables: str) -> Failure:
        """Call it and wait for its failure, with this exit code and without a result."""
        failure = failure_of(self(*words, MLRUN_ERROR_FORMAT="json", **variables))
        assert failure.exit_code == exit_code, failure
        return failure

    def files(self) -> list[str]:
        """The names of what is in the folder."""
        return sorted(path.name for path in self.folder.iterdir())

    @contextmanager
    def held(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """A command in the midst of its work until its standard input ends."""
        pipe = subprocess.PIPE
        command = [sys.executable, str(TOOL), "show", "-r", "held", *words]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8"
        ) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "held\n"
            yield process


def mlrun(environment: Environment, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from mlrun_cli.cli.program import main; main()", *words]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("place", ["{}", "class N:\n def __set_name__(*_): {}\nclass C: n = N()"])
@pytest.mark.parametrize(("module", "line"), [("json", "run list"), ("typer", "run list -h")])
def test_ctrl_c_while_it_is_being_loaded_ends_it_without_a_traceback(
    environment: Environment, tmp_path: Path, module: str, line: str, place: str
) -> None:
    interrupts = "import signal as s; s.signal(s.SIGINT, s.default_int_handler); s.raise_signal(s.SIGINT)"
    (tmp_path / f"{module}.py").write_text(place.format(interrupts), encoding="utf-8")
    done = mlrun({**environment, "PYTHONPATH": str(tmp_path)}, *line.split())
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_nothing_else_is_loaded_before_ctrl_c_is_handled() -> None:
    loads = (
        f"import sys; sys.path[:] = {sys.path!r}; before = set(sys.modules); import mlrun_cli.cli.program as program"
    )
    command = [sys.executable, "-c", f"{loads}; print(*set(sys.modules) - before)"]
    loaded = set(subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.split())
    assert loaded - {"__future__", "gc"} == {"mlrun_cli", "mlrun_cli.cli", "mlrun_cli.cli.program"}


def test_a_result_is_all_there_is_on_stdout(tool: Tool) -> None:
    done = tool("list", "--tags", "a=1", "--tags", "b")
    assert done.returncode == 0
    assert [record["run_id"] for record in json.loads(done.stdout)] == ["é_2", "a_1"]
    assert done.stderr == "tags: ['a=1', 'b']\n"


def test_notes_follow_the_switches(tool: Tool) -> None:
    assert tool("list", "--only-show-errors").stderr == ""
    assert tool("list", "--verbose").stderr == "tags: None\nmore\n"


def test_script_gets_every_word_after_it_unchanged(tool: Tool) -> None:
    after = ["--lr", "0.1", "-c", "x", "--help", "a b", "", "--", "-t", "[?a==b]", "-", "--out", "x", "--asyn"]
    done = tool("submit-script", "-c", "sklearn", "--async", "train.py", *after)
    assert json.loads(done.stdout) == {"words": ["train.py", *after], "runconfig": "sklearn", "async": True}


def test_a_long_option_may_be_cut_short_where_no_other_begins_so(tool: Tool) -> None:
    whole = tool("list", "--last", "1", "--tags", "a=1", "--output", "tsv")
    assert whole.returncode == 0
    short = tool("list", "--la", "1", "--tag=a=1", "--out", "tsv")
    assert (short.returncode, short.stdout, short.stderr) == (0, whole.stdout, whole.stderr)
    words = ["--run-conf", "sklearn", "--asy", "train.py", "--asy", "--run-conf"]
    assert json.loads(tool("submit-script", *words).stdout) == {
        "words": words[3:],
        "runconfig": "sklearn",
        "async": True,
    }
    assert json.loads(tool("cancel", "--gra", "--sig", "--sig", "int").stdout)["grace"] == "--sig"
    assert json.loads(tool("show-files", "--", "--out", "tsv").stdout) == ["--out", "tsv"]


def test_the_beginning_of_several_options_is_refused_with_all_of_them(environment: Environment) -> None:
    failure = failure_of(mlrun({**environment, "MLRUN_ERROR_FORMAT": "json"}, "model", "register", "--model-fr", "x"))
    assert (failure.exit_code, failure.code) == (2, "OptionNotFound")
    assert "'--model-framework' or '--model-framework-version'" in failure.hint


@pytest.mark.parametrize(
    ("words", "code", "facts"),
    [
        (["submit-script", "--asynk", "train.py"], "OptionNotFound", ["'--asynk'", "'--async'"]),
        (["list", "-x"], "OptionNotFound", ["'-x'", "'mlrun run list -h'"]),
        (["lst"], "CommandNotFound", ["'lst'", "'list'"]),
        (["train.py"], "CommandNotFound", ["'train.py'", "mlrun run submit-script train.py"]),
        (["show"], "MissingOption", ["-r @latest", "'mlrun run show -h'"]),
        (["show", "@latest"], "MissingOption", ["-r @latest"]),
        (["show", "-r"], "MissingOption", ["-r", "'mlrun run show -h'"]),
        (["show", "-r", "a", "b"], "UnexpectedArgument", ["'b'", "'mlrun run show -h'"]),
        (["cancel", "@latest"], "UnexpectedArgument", ["'@latest'", "-r @latest"]),
        (["list", "--asyn=x"], "OptionNotFound", ["'--asyn'"]),
        (["submit-script", "--async=x", "train.py"], "InvalidValue", ["--async"]),
        (["submit-script", "-x", "train.py"], "OptionNotFound", ["'-x'", "script"]),
        (["submit-script", "--hlp"], "OptionNotFound", ["'--help'", "script"]),
        (["submit-script", "--lr", "1", "train.py"], "OptionNotFound", ["'--lr'", "script"]),
        (["--hlp"], "OptionNotFound", ["'--help'", "'mlrun run -h'"]),
        (["list", "--r", "x"], "OptionNotFound", ["'--r'", "'--resource-group'"]),
        (["list", "--ta", "a", "--nothing"], "OptionNotFound", ["'--nothing'"]),
        (["list", "--last", "x"], "InvalidValue", ["--last", "'x'"]),
        (["list", "--last", "0"], "InvalidValue", ["--last", "'0'", "1"]),
        (["list", "-o", "xml"], "InvalidOutputFormat", ["'xml'", "json|jsonc|table"]),
        (["list", "--query", "[?a='b']"], "InvalidQuery", ["character 4: ='b']"]),
        (["list", "--query", "[]", "[]"], "ConflictingOptions", ["--query"]),
        (["list", "train.py"], "InvalidQuery", ["'train.py'"]),
        (
            ["list", "[?properties.author==azureml-user"],
            "InvalidQuery",
            ["\"[?properties.author=='azureml-user']\""],
        ),
    ],
)
def test_wrong_usage_is_exit_2_with_one_to_three_lines(
    tool: Tool, words: list[str], code: str, facts: list[str]
) -> None:
    failure = tool.fails(*words)
    assert failure.code == code
    for fact in facts:
        assert fact in failure.text
    done = tool(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"ERROR: {failure.text}\n"
    assert 1 <= done.stderr.count("\n") <= 3


def test_an_error_is_one_line_of_json_where_that_is_asked_for(tool: Tool) -> None:
    done = tool("show", "-r", "noted", MLRUN_ERROR_FORMAT="json")
    assert (done.returncode, done.stdout) == (3, "")
    warning, line = done.stderr.splitlines()
    assert warning == "WARNING: a key is skipped"
    error = json.loads(line)["error"]
    assert error.keys() == {"code", "message", "hint", "target"}
    assert (error["code"], error["target"]) == ("RunNotFound", "noted")


def test_an_unknown_format_of_errors_is_named_after_the_error(tool: Tool) -> None:
    done = tool("show", "-r", "missing", MLRUN_ERROR_FORMAT="xml")
    assert done.returncode == 3
    assert done.stderr.startswith("ERROR: ")
    assert "MLRUN_ERROR_FORMAT" in done.stderr.splitlines()[-1]


def test_debug_adds_the_code_of_an_error(tool: Tool) -> None:
    assert "RunNotFound" in tool("show", "-r", "missing", "--debug").stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("run_id", "exit_code", "code", "fact"),
    [
        ("missing", 3, "RunNotFound", r"'missing\x1b[2J'"),
        ("bug", 1, "InternalError", "KeyError: 'x'"),
        ("full", 1, "OperatingSystemError", "No space left on device: /data/x."),
        ("database", 1, "StoreError", "disk I/O error."),
    ],
)
def test_errors_are_sentences_and_show_a_traceback_only_with_debug(
    tool: Tool, run_id: str, exit_code: int, code: str, fact: str
) -> None:
    done = tool("show", "-r", run_id)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert done.stderr.startswith("ERROR: ")
    assert fact in done.stderr
    assert done.stderr.count("\n") == 2
    assert tool.fails("show", "-r", run_id, exit_code=exit_code).code == code
    debugged = tool("show", "-r", run_id, "--debug")
    assert debugged.returncode == exit_code
    assert "Traceback" in debugged.stderr


def test_what_was_noted_before_an_error_is_said_first(tool: Tool) -> None:
    warning, error, *_ = tool("show", "-r", "noted").stderr.splitlines()
    assert warning == "WARNING: a key is skipped"
    assert error.startswith("ERROR: ")
    assert tool("show", "-r", "noted", "--only-show-errors").stderr.startswith("ERROR: ")


def test_an_interrupt_is_quiet(tool: Tool) -> None:
    done = tool("show", "-r", "interrupt")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_result_can_carry_an_exit_code(tool: Tool) -> None:
    done = tool("show", "-r", "failed", "-o", "tsv")
    assert (done.returncode, done.stdout) == (1, "Failed\n")


def test_null_prints_nothing(tool: Tool) -> None:
    done = tool("show", "-r", "nothing", "-t", "out.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tool.folder / "out.json").exists()


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_any_encoding_carries_the_result(tool: Tool, encoding: str) -> None:
    done = tool("show", "-r", "text", PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert json.loads(done.stdout) == "日本語 \udcff"


def test_a_reader_that_goes_away_ends_the_program_quietly(tool: Tool) -> None:
    line = f'"{sys.executable}" "{TOOL}" show -r many | head -1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", line], env=tool.environment, capture_output=True, text=True, check=False)
    assert done.stdout == "[\n141\n"
    assert done.stderr == ""


def test_a_reader_that_was_never_there_is_no_trouble(tool: Tool) -> None:
    nobody, ours = os.pipe()
    os.close(nobody)
    with os.fdopen(ours, "wb") as out:
        done = subprocess.run(
            [sys.executable, TOOL, "show", "-r", "x"],
            env=tool.environment,
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_under_stdout_is_a_sentence(tool: Tool) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, TOOL, "show", "-r", "many"],
            env=tool.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(f"ERROR: {os.strerror(errno.ENOSPC)}: the output of this command.\n")
    assert done.stderr.count("\n") == 2


def test_an_unbuffered_result_is_whole_or_an_error(tool: Tool) -> None:
    line = f'"{sys.executable}" -u "{TOOL}" show -r many | head -1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", line], env=tool.environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[\n141\n", "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(tool: Tool, closed: str) -> None:
    line = f'"{sys.executable}" "{TOOL}" list {closed}'
    done = subprocess.run(["bash", "-c", line], env=tool.environment, capture_output=True, check=False)
    assert done.returncode == 0


def test_a_closed_stderr_keeps_the_result_and_its_exit_code(tool: Tool) -> None:
    line = f'"{sys.executable}" "{TOOL}" show -r failed -o tsv 2>&-'
    done = subprocess.run(["bash", "-c", line], env=tool.environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"Failed\n")


def test_query_words_are_joined_and_noted(tool: Tool) -> None:
    done = tool("list", "[?properties.author==azureml-user", "]", "-o", "tsv")
    assert done.returncode == 0
    assert done.stdout.split("\t")[1] == "é_2"
    assert "[?properties.author=='azureml-user" in done.stderr


def test_people_get_their_table_only_without_a_query(tool: Tool) -> None:
    assert tool("list", "-o", "table").stdout == "for people: 80 False\n"
    assert tool("list", "-o", "table", "--query", "[].run_id").stdout == "Result\n--------\né_2\na_1\n"


def test_metadata_file_holds_the_result_before_the_query(tool: Tool) -> None:
    done = tool("list", "--query", "[0].status", "-t", "new folder/run.json")
    assert done.stdout == '"Failed"\n'
    written = (tool.folder / "new folder" / "run.json").read_text(encoding="utf-8")
    assert [record["run_id"] for record in json.loads(written)] == ["é_2", "a_1"]
    assert written.startswith('[\n    {\n        "properties"')


def test_metadata_file_that_is_there_is_an_error_before_the_command_runs(tool: Tool) -> None:
    file = tool.folder / "run.json"
    file.write_text("mine", encoding="utf-8")
    for name in ("run.json", ".", "", "run.json/below"):
        done = tool("list", "-t", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert "tags:" not in done.stderr
    assert file.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(("name", "example"), [(".", "run.json"), ("folder", "folder/run.json")])
def test_a_folder_for_metadata_is_answered_with_the_name_of_a_file(tool: Tool, name: str, example: str) -> None:
    (tool.folder / "folder").mkdir()
    done = tool("list", "-t", name)
    assert f"'-t {example}'" in done.stderr.splitlines()[1]


def test_metadata_file_in_an_unwritable_place_is_an_error_before_the_command_runs(tool: Tool) -> None:
    failure = tool.fails("list", "-t", "/proc/self/x/run.json")
    assert (failure.code, failure.target) == ("InvalidPath", "/proc/self/x/run.json")
    assert failure.warnings == []


@pytest.mark.parametrize("name", ["run.json", "new/folder/run.json"])
def test_metadata_file_is_one_command_s_alone_from_its_start(tool: Tool, name: str) -> None:
    with tool.held("-t", name) as first:
        second = tool.fails("list", "-t", f"./{name}")
        other = tool("list", "-t", f"{name}2", "-o", "none")
        assert not (tool.folder / name).exists()
        out, _ = first.communicate("", timeout=180)
    assert (second.code, second.target) == ("FileAlreadyExists", name)
    assert second.warnings == []
    assert (first.returncode, other.returncode) == (0, 0)
    assert (tool.folder / name).read_text(encoding="utf-8") == out.strip()
    assert not [hidden for hidden in tool.files() if hidden.startswith(".")]


def test_a_claim_to_a_metadata_file_puts_nothing_beside_it(tool: Tool) -> None:
    with tool.held("-t", "run.json") as held:
        assert tool.files() == []
        held.communicate("", timeout=180)
    assert tool.files() == ["run.json"]


def test_metadata_file_of_a_killed_command_is_free_again(tool: Tool) -> None:
    with tool.held("-t", "run.json") as killed:
        killed.kill()
    assert not (tool.folder / "run.json").exists()
    assert tool("list", "-t", "run.json").returncode == 0
    assert tool.files() == ["run.json"]


@pytest.mark.parametrize("run_id", ["missing", "bug", "interrupt", "nothing"])
def test_a_command_without_a_result_leaves_nothing_of_its_metadata_file(tool: Tool, run_id: str) -> None:
    tool("show", "-r", run_id, "-t", "new folder/run.json")
    assert tool.files() == []
    assert list(Path(tool.environment["MLRUN_HOME"], "claims").iterdir()) == []


@pytest.mark.parametrize("error", ["ENOLCK", "ENOSYS"])
def test_metadata_file_needs_no_locks(tool: Tool, error: str) -> None:
    kernel = ["strace", "--output=/dev/null", "--trace=flock", f"--inject=flock:error={error}"]
    command = [*kernel, sys.executable, str(TOOL), "list", "-t", "run.json", "-o", "none"]
    subprocess.run(command, cwd=tool.folder, env=tool.environment, check=True)
    assert tool.files() == ["run.json"]


@pytest.mark.parametrize("name", ["gone/run.json", "run.json"])
def test_a_result_is_printed_even_if_its_metadata_file_cannot_be_written(tool: Tool, name: str) -> None:
    (tool.folder / "gone").mkdir()
    with tool.held("-t", name) as process:
        shutil.rmtree(tool.folder / "gone")
        (tool.folder / "gone").touch()
        (tool.folder / "run.json").write_text("mine", encoding="utf-8")
        out, err = process.communicate("text", timeout=180)
    assert (process.returncode, out) == (1, '"text"\n')
    assert err.startswith(f"ERROR: -t: '{name}' ")
    assert (tool.folder / "run.json").read_text(encoding="utf-8") == "mine"
    assert tool.files() == ["gone", "run.json"]


def test_defaults_come_from_az(tool: Tool) -> None:
    folder = tool.folder / ".azure"
    folder.mkdir()
    (folder / "config").write_text(
        "[core]\noutput = tsv\n[defaults]\nworkspace = from%file\ngroup = group\n", encoding="utf-8"
    )
    assert tool("show", "-r", "x").stdout == "group\t.\tNone\tfrom%file\n"
    shown = tool("show", "-r", "x", AZURE_CORE_OUTPUT="JSON", AZURE_DEFAULTS_WORKSPACE="variable").stdout
    assert json.loads(shown)["workspace"] == "variable"
    typed = tool("show", "-r", "x", "-o", "json", "-w", "typed", "-g", "g", "--subscription", "s", "--path", "p")
    assert json.loads(typed.stdout) == {"workspace": "typed", "group": "g", "subscription": "s", "path": "p"}


def test_broken_defaults_of_az_are_named(tool: Tool) -> None:
    failure = tool.fails("list", AZURE_CORE_OUTPUT="xml")
    assert (failure.code, failure.target) == ("InvalidOutputFormat", "xml")
    (tool.folder / "config").write_text("nonsense", encoding="utf-8")
    done = tool("list", AZURE_CONFIG_DIR=str(tool.folder))
    assert done.returncode == 2
    assert str(tool.folder / "config") in done.stderr
    assert "Traceback" not in done.stderr


def on_terminal(tool: Tool, *words: str, **variables: str) -> str:
    """What the program prints when stdout is a terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as shown, os.fdopen(theirs, "wb", buffering=0) as terminal:
        environment = {**tool.environment, "TERM": "xterm", **variables}
        subprocess.run([sys.executable, TOOL, *words], env=environment, stdout=terminal, check=True)
        text = shown.read(65536)
    return text.decode()


def test_colour_is_for_terminals_whose_user_wants_it(tool: Tool) -> None:
    assert "\x1b[" in on_terminal(tool, "list", "-o", "jsonc", "--only-show-errors")
    assert "\x1b[" not in on_terminal(tool, "list", "-o", "json", "--only-show-errors")
    for variable in ({"NO_COLOR": "1"}, {"AZURE_CORE_NO_COLOR": "true"}, {"TERM": "dumb"}):
        assert "\x1b[" not in on_terminal(tool, "list", "-o", "jsonc", "--only-show-errors", **variable)
    assert "\x1b[" not in tool("list", "-o", "jsonc").stdout


@pytest.mark.parametrize("columns", ["40", "80", "100", "300"])
@pytest.mark.parametrize("words", [["-h"], ["list", "--help"], ["submit-script", "-h"], []])
def test_help_fits_the_terminal(tool: Tool, columns: str, words: list[str]) -> None:
    done = tool(*words, COLUMNS=columns)
    assert (done.returncode, done.stderr) == (0, "")
    prose = done.stdout.partition("\nExamples\n")[0]
    assert max(map(len, prose.splitlines())) <= min(100, int(columns))


def test_help_of_a_command_has_own_options_before_the_global_ones(tool: Tool) -> None:
    shown = tool("list", "-h").stdout
    order = [
        "List runs, newest first.\n\nChild runs are left out.\n",
        "Usage: mlrun run list [options] [QUERY]\n",
        "  --last N            How many. Default: 10.\n",
        "  --tags KEY[=VALUE]  Only runs with this tag. May be repeated.\n",
        "Global options\n",
        "  -o, --output FORMAT",
        "  -h, --help",
        "Examples\n  All\n    mlrun run list\n  Three\n    mlrun run list --last 3\n",
    ]
    places = [shown.index(part) for part in order]
    assert places == sorted(places)


def test_help_tells_a_default_once(tool: Tool) -> None:
    assert "  --grace TIME       Before SIGKILL. Default: 10s.\n" in tool("cancel", "-h").stdout


def test_help_names_an_argument_as_it_was_declared(tool: Tool) -> None:
    assert "Usage: mlrun run show-files [options] [PATH]...\n" in tool("show-files", "-h").stdout
    assert "Arguments\n  [PATH]...  Files.\n" in tool("show-files", "-h").stdout
    assert "[options] [SCRIPT [ARGUMENT ...]]\n" in tool("submit-script", "-h").stdout


def test_help_shows_the_choices_of_an_option(tool: Tool) -> None:
    assert "  --signal int|term  What it gets. Default: term.\n" in tool("cancel", "-h").stdout


@pytest.mark.parametrize("words", [[], ["list"], ["submit-script"]])
def test_the_word_help_shows_help(tool: Tool, words: list[str]) -> None:
    done = tool("help", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == tool(*words, "-h").stdout


def test_help_of_a_command_group_lists_its_subcommands(tool: Tool) -> None:
    shown = tool().stdout
    assert "  list           List runs, newest first.\n  submit-script  Run a script.\n" in shown


def test_help_of_the_whole_lists_the_command_groups(environment: Environment) -> None:
    for words in ([], ["-h"], ["--help"]):
        done = mlrun(environment, *words)
        assert (done.returncode, done.stderr) == (0, "")
        for group in ("folder", "experiment", "workspace", "run", "ml"):
            assert f"\n  {group} " in done.stdout
        assert "login" not in done.stdout


def test_version_is_one_line(environment: Environment) -> None:
    done = mlrun(environment, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("mlrun-cli ")
    assert done.stdout.count("\n") == 1


def test_login_is_not_needed(environment: Environment) -> None:
    for words in (["login"], ["login", "--service-principal", "-u", "x", "-p=y", "-o", "none"], ["ml", "login"]):
        done = mlrun(environment, *words)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [(["rn"], "CommandNotFound"), (["--verson"], "OptionNotFound"), (["ml", "rn"], "CommandNotFound")],
)
def test_unknown_words_at_the_root_are_wrong_usage(environment: Environment, words: list[str], code: str) -> None:
    failure = failure_of(mlrun({**environment, "MLRUN_ERROR_FORMAT": "json"}, *words))
    assert (failure.exit_code, failure.code) == (2, code)


def test_a_long_unexpected_argument_is_cut_in_the_error(environment: Environment) -> None:
    for words in (
        ["run", "list", "y" * 5000],
        ["folder", "attach", "y" * 5000],
        ["studio", "--port", "y" * 5000],
    ):
        done = mlrun(environment, *words)
        assert done.returncode == 2
        assert "yyyy" in done.stderr
        assert len(done.stderr) < 500


def test_the_help_of_all_names_the_format_of_errors(environment: Environment) -> None:
    assert "MLRUN_ERROR_FORMAT" in mlrun(environment, "-h").stdout


def test_a_command_imports_nothing_that_it_does_not_need(tool: Tool) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", TOOL, "list"],
        env=tool.environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "mlrun_cli.cli.plain_lines" in imported
    heavy = [
        "typer",
        "inspect",
        "rich",
        "yaml",
        "jmespath",
        "asyncio",
        "importlib.metadata",
        "psycopg",
        "tabulate",
        "pygments",
    ]
    assert imported.isdisjoint([*heavy, "configparser", "mlrun_cli.cli.output.runs_table"])


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ml model deploy", "model deploy"),
        ("account", "account"),
        ("configure --defaults", "configure"),
        ("ml data create", "data create"),
        ("ml dataset archive", "dataset archive"),
        ("ml job create", "job create"),
        ("ml experiment create", "experiment create"),
        ("workspace delete", "workspace delete"),
    ],
)
def test_what_only_azure_has_is_refused_by_name_with_a_way_out(environment: Environment, line: str, name: str) -> None:
    failure = failure_of(mlrun({**environment, "MLRUN_ERROR_FORMAT": "json"}, *line.split()))
    assert (failure.exit_code, failure.code, failure.target) == (2, "UnsupportedCommand", name)
    assert failure.hint
