"""What CI systems are told of a run that fails with a traceback, compared with the files in `ci_output/`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.running import Mlrun

GOLDEN = Path(__file__).with_name("ci_output")
SCRIPT = """\
from azureml.core import Run


def fit():
    Run.get_context().log("loss|train", 0.25)
    raise ValueError("50% lost: [a; b],\\nand more")


print("epoch 1", flush=True)
fit()
"""


def normalize(text: str, root: Path, run_id: str) -> str:
    """Return a text without what differs from run to run and between versions of Python."""
    for pattern, shown in (
        (re.escape(run_id).replace("_", r"\\?_"), "RUN"),
        (rf"{re.escape(str(root))}[^\s\"]*/work/", "/WORK/"),
        (re.escape(str(root)), "/ROOT"),
        (r"\d:\d\d:\d\d", "TIME"),
        (r"(?<=section_start:)\d+|(?<=section_end:)\d+", "1700000000"),
        (r"Used \| .*? \|", "Used | MEMORY AND CPU |"),
        (r"(?m)^ *[~^]+ *\n", ""),
    ):
        text = re.sub(pattern, shown, text)
    return text


def check(name: str, found: str) -> None:
    """Compare a text with a golden file."""
    assert found == (GOLDEN / name).read_text(encoding="utf-8"), name


def test_a_failed_run_in_the_jobs_of_github_azure_and_gitlab(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(SCRIPT)
    summary = tmp_path / "summary.md"
    mlrun.environment |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    mlrun.environment["GITHUB_WORKSPACE"] = str(mlrun.folder.parent)
    done = mlrun.run(*mlrun.command, "run", "submit-script", "--query", "run_id", "-o", "tsv", "train.py")
    assert done.returncode == 1
    run_id = done.stdout.strip()
    check("github.txt", normalize(done.stderr, tmp_path, run_id))
    check("summary.md", normalize(summary.read_text(encoding="utf-8"), tmp_path, run_id))

    def follow(*words: str) -> str:
        done = mlrun.run(*mlrun.command, "run", "monitor-logs", "-r", run_id, *words)
        assert done.returncode == 1
        waited = mlrun.run(*mlrun.command, "run", "wait", "-r", run_id, *words)
        return normalize(f"{done.stdout}---\n{done.stderr}---\n{waited.stderr}", tmp_path, run_id)

    before = summary.read_text(encoding="utf-8")
    plain = mlrun.run(*mlrun.command, "run", "monitor-logs", "-r", run_id)
    assert "::" not in plain.stdout + plain.stderr
    assert summary.read_text(encoding="utf-8") == before
    mlrun.environment["BUILD_SOURCESDIRECTORY"] = str(mlrun.folder)
    mlrun.environment["AGENT_TEMPDIRECTORY"] = str(tmp_path)
    check("azure.txt", follow("--ci", "azure"))
    assert (tmp_path / f"mlrun-{run_id}.md").is_file()
    del mlrun.environment["GITHUB_ACTIONS"]
    mlrun.environment |= {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(mlrun.folder.parent)}
    both = '"$@" monitor-logs -r "$0" --ci gitlab 2>&1 | cat -v; "$@" wait -r "$0" -o none 2>&1 | cat -v'
    shown = mlrun.run("sh", "-c", both, run_id, *mlrun.command, "run")
    check("gitlab.txt", normalize(shown.stdout, tmp_path, run_id))


def test_a_summary_that_cannot_be_written_is_told_and_fails_nothing(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script("")
    nowhere = str(tmp_path / "none" / "summary.md")
    mlrun.environment |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": nowhere}
    done = mlrun.run(*mlrun.command, "run", "submit-script", "--query", "status", "-o", "tsv", "train.py")
    assert (done.returncode, done.stdout.strip()) == (0, "Completed")
    assert nowhere in done.stderr
    waited = mlrun.run(*mlrun.command, "run", "wait", "-r", "@latest", "-o", "none")
    assert waited.returncode == 0 and nowhere in waited.stderr
    quiet = mlrun.run(*mlrun.command, "run", "wait", "-r", "@latest", "-o", "none", "--only-show-errors")
    assert (quiet.returncode, quiet.stderr) == (0, "")
