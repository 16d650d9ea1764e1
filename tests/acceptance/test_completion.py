"""Completion in real shells, each in a terminal of its own, as a person installs and uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.parameters import Parameter
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import iterate_identities, locate_workspace
from tests.acceptance.installed import installed
from tests.acceptance.terminal import Terminal
from tests.completing import complete
from tests.running import Mlrun

SHELLS = {
    "bash": ["bash", "--noprofile", "-i"],
    "zsh": ["zsh", "-d", "-i"],
    "fish": ["fish", "--private"],
}
START = {
    "bash": "source ~/.bash_completions/mlrun.sh; PS1='re''ady> '",
    "zsh": "source ~/.zshrc; PS1='re''ady> '",
    "fish": "function fish_prompt; echo -n 're''ady> '; end",
}
HOSTILE = "\\\"$(touch pwned)`touch pwned`'; touch pwned; [/b] trial"
COMMANDS = "zed;touch owned & (*) #~{a,b}!!"
_TERMINAL_ANSWER = "\x1b[?62;22c"
"""What a terminal answers to the question what it is, which fish waits for."""


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """In an attached folder with the runconfig `sklearn` and three runs, of which the second is live."""
    with installed(tmp_path_factory.mktemp("completion")) as command:
        (identity,) = iterate_identities(command.home)
        locator = locate_workspace(command.home, identity)
        with Workspace.open(locator, create=False, redactor=Redactor()) as workspace, workspace.transaction():
            for run_id, status in (
                ("exp_b", RunStatus.COMPLETED),
                ("exp_c", RunStatus.RUNNING),
                ("exp_a", RunStatus.FAILED),
            ):
                experiment, number = workspace.experiments.reserve_run_numbers("exp")
                key = workspace.runs.insert(
                    experiment,
                    number,
                    run_id,
                    run_type=SCRIPT_RUN,
                    status=status,
                    user_name="me",
                    display_name=HOSTILE,
                )
            workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, 0.5, None)])
            workspace.runs.set_tags(key, {"team": "a"})
            columns = {"run_type": SCRIPT_RUN, "status": RunStatus.COMPLETED, "user_name": "me"}
            for run_id, name in (("zed_1", "base line"), ("zed_2", "twice"), ("zed_3", "twice")):
                experiment, number = workspace.experiments.reserve_run_numbers(COMMANDS)
                key = workspace.runs.insert(experiment, number, run_id, display_name=name, **columns)
            values = [LoggedValue(VALUE, name, 1, None, 0.5, None) for name in ("mse", "status", "my loss")]
            workspace.metrics.add(key, values)
            workspace.parameters.set(key, {"lr": Parameter.from_text("0.1")})
            experiment, number = workspace.experiments.reserve_run_numbers(COMMANDS)
            key = workspace.runs.insert(experiment, number, "zed_4", **{**columns, "run_type": "hyperdrive"})
            workspace.runs.set_tags(key, {"zed_4_0": "{}", "policy_config": "{}"})
        yield command


@pytest.mark.parametrize(
    "shell",
    [
        pytest.param(name, marks=pytest.mark.skipif(which(name) is None, reason=f"{name} is not installed"))
        for name in SHELLS
    ],
)
def test_a_shell_completes_what_is_typed(mlrun: Mlrun, shell: str) -> None:
    with Terminal(mlrun, SHELLS[shell], columns=150) as terminal:
        terminal.type(f"{_TERMINAL_ANSWER if shell == 'fish' else ''}mlrun --install-completion\n")
        terminal.wait_for("for this one: ")
        terminal.type(f"{START[shell]}\n")
        terminal.wait_for("ready> ")
        for typed, shown in (
            ("mlrun run metr\t", "metrics"),
            ("-r exp_a --na\t", "--name"),
            ("lo\t", "loss"),
            ("-o json\n", "0.5"),
            ("mlrun run cancel -r e\t", "exp_c"),
            ("\x15mlrun run list -e ze\t", "owned"),
            ("-o json\n", "zed_1"),
            ("\x15mlrun run show -r bas\t", "line"),
            ("--query run_id -o tsv\n", "zed_1"),
            ("\x15mlrun run list --where 'mse < 1 and tag.t\t", "tag.team"),
            ("\x15mlrun run update -r exp_a --add-tag te\t", "team="),
            ("b -o json\n", '"team": "b"'),
            ("\x15mlrun run show -r \t\t", "exp_b" if shell == "bash" else "Completed, "),
            ("\x15mlrun run mo\t\t", "nitor-" if shell == "bash" else "a run's log, "),
        ):
            terminal.type(typed)  # in pieces: zsh completes nothing while there is more to read
            terminal.wait_for(shown)
    assert not list(mlrun.folder.glob("*wned"))


def test_completion_is_silent_where_there_is_nothing(mlrun: Mlrun, tmp_path: Path) -> None:
    assert complete(mlrun, "run", "show", "-r", "exp_", shell="zsh")[0].startswith("_arguments")
    assert complete(mlrun, "run", "list", "--experiment-name", "=", "e") == ["exp"]
    escaped = r"zed\;touch\ owned\ \&\ \(\*\)\ \#\~\{a,b\}\!\!"
    assert complete(mlrun, "run", "list", "-e", r"zed\;t") == [escaped]
    assert complete(mlrun, "run", "list", "-e", "'zed;t") == [COMMANDS]
    assert complete(mlrun, "run", "list", "-e", '"zed;t') == []
    assert complete(mlrun, "ml", "run", "list", "--tags", "") == ["team"]
    assert complete(mlrun, "run", "update", "--add-tag", "") == ["team="]
    assert complete(mlrun, "run", "rerun", "--set", "l") == ["lr="]
    assert complete(mlrun, "model", "register", "--tag", "te") == ["team="]
    assert complete(mlrun, "run", "update", "--remove-tag", "") == ["team"]
    assert complete(mlrun, "computetarget", "attach", "s") == ["slurm"]
    assert complete(mlrun, "run", "submit-script", "train.py", "--r") == []
    assert complete(mlrun, "no", "such", "") == []
    assert complete(mlrun, "run", "show", "-w", "other", "-r", "") == []
    assert complete(mlrun, "run", "show", "-r", "", MLRUN_HOME=str(tmp_path / "none")) == []
    assert not list(tmp_path.iterdir())


def test_names_of_values_are_completed_as_they_are_written(mlrun: Mlrun) -> None:
    names = ["loss", "metric.status", "mse", "lr", "tag.team"]
    for option in ("--where", "--sort"):
        answer = complete(mlrun, "run", "list", option, "")
        assert (sorted(answer[:5]), {"created", "status"} < set(answer)) == (sorted(names), True)
    assert complete(mlrun, "run", "list", "--group-by", "") == names[3:]
    assert set(complete(mlrun, "run", "list", "--metrics", "")) == {"all", "best", *names[:3]}
    for typed, answer in (
        ("(lo", ["(loss"]),
        ("loss<1 and stat", ["loss<1 and status"]),
        ("loss<1 and metric.m", ["loss<1 and metric.mse"]),
        ("max(m", ["max(mse"]),
        ("max(l", ["max(loss"]),
        ("lr<1 and min(", ["lr<1 and min(loss", "lr<1 and min(mse", "lr<1 and min(metric.status"]),
        ("not tag.t", ["not tag.team"]),
        ("param.l", ["param.lr"]),
    ):
        assert complete(mlrun, "run", "list", "--where", f"'{typed}") == answer
    assert complete(mlrun, "run", "list", "--params", "x,l") == ["x,lr"]


def test_names_of_single_runs_and_files_of_snapshots_are_completed(mlrun: Mlrun) -> None:
    assert complete(mlrun, "run", "show", "-r", "b") == [r"base\ line"]
    assert complete(mlrun, "run", "show", "-r", "twi") == []
    assert complete(mlrun, "run", "cancel", "-r", "ba") == []
    assert complete(mlrun, "run", "show", "-r", "base", shell="zsh")[0].startswith(
        '_arguments \'*: :(("base line":"Comp'
    )
    mlrun.script("print()", "train.py")
    mlrun.script("", "tools/my prepare.py")
    run_id = mlrun.submit("train.py")
    try:
        for named in (("-r", run_id), ("-r", "@latest")):
            assert "train.py" in complete(mlrun, "run", "snapshot", *named, "--cat", "")
            assert complete(mlrun, "run", "snapshot", *named, "--cat", "to") == [r"tools/my\ prepare.py"]
        assert complete(mlrun, "run", "snapshot", "-r", "zed_1", "--cat", "") == []
    finally:
        mlrun("run", "wait", "-r", run_id)
        mlrun("run", "delete", "-r", run_id, "--permanently", "--yes")


def test_installing_twice_changes_nothing(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.environment["HOME"] = str(tmp_path)
    (tmp_path / ".bashrc").write_text("alias ll='ls -l'", encoding="utf-8")
    command = ("bash", "-c", "mlrun --install-completion; true")
    first, second = mlrun.run(*command), None
    files = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    second = mlrun.run(*command)
    assert [path.name for path in sorted(files)] == ["mlrun.sh", ".bashrc"]
    assert files == {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    script = str(tmp_path / ".bash_completions" / "mlrun.sh")
    assert script in first.stdout
    assert script in second.stdout
    assert files[tmp_path / ".bashrc"] == f"alias ll='ls -l'\nsource {script}\n"
    mlrun.environment["HOME"] = ""
    assert mlrun.fails("--install-completion").code == "Unsupported"


def test_the_shell_that_is_named_gets_the_completion_and_no_other(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.environment["HOME"] = str(tmp_path)
    for words in (("tcsh",), ("nonsense", "words"), ("zsh", "fish")):
        for option in ("--install-completion", "--show-completion"):
            assert mlrun.fails(option, *words).code == "InvalidValue"
    assert not list(tmp_path.iterdir())
    assert "New zsh shells" in mlrun("--install-completion", "zsh").stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [".zfunc", ".zshrc"]
    assert mlrun("--show-completion", "fish").stdout.startswith("complete ")
    assert mlrun("--show-completion=fish").stdout.startswith("complete ")
    assert mlrun.fails("--show-completion=tcsh").code == "InvalidValue"
