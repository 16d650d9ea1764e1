"""`install-az`: the `az` that pipelines written for Azure find on their PATH."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import installed
from tests.running import Failure, Mlrun, failure_of


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """A folder with an `az` for its steps, which is the only one on their PATH."""
    with installed(tmp_path_factory.mktemp("pipeline")) as mlrun:
        place = mlrun.folder / "my bin"
        mlrun("install-az", str(place))
        mlrun.environment["PATH"] = f"{place}{os.pathsep}{_path_without_az()}"
        yield mlrun


def _path_without_az() -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not (Path(folder) / "az").exists())


def step(mlrun: Mlrun, text: str) -> subprocess.CompletedProcess[str]:
    """A step of a pipeline: `az` is found on the PATH."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=mlrun.folder,
        env=mlrun.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def step_fails(mlrun: Mlrun, text: str, exit_code: int = 2) -> Failure:
    """Return the error of a step that fails."""
    with mlrun.error_format("json"):
        failure = failure_of(step(mlrun, text))
    assert failure.exit_code == exit_code, failure
    return failure


def write_az(folder: Path, text: str = '#!/bin/sh\necho "real: $*"\nexit 7\n') -> Path:
    """A program `az` that is not ours."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "az"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_az_ml_is_mlrun(pipeline: Mlrun) -> None:
    pipeline.script("import sys; print('arguments', sys.argv[1:])")
    done = step(pipeline, "az ml run submit-script -t run.json train.py --query x 'a b' && jq -r .status run.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Completed\n")
    assert "arguments ['--query', 'x', 'a b']" in done.stderr
    assert step(pipeline, "az ml run submit-script nothing.py").returncode == 2


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("az login --service-principal -u http://name -p geheim --tenant t --output none", ""),
        ("az account set --subscription 'My subscription'", ""),
        ("az account show --query id -o tsv", "00000000-0000-0000-0000-000000000000"),
        ("az account list --query '[?isDefault].state' --out tsv", "Enabled"),
        ("az account clear", ""),
        ("az logout", ""),
        ("az cloud set -n azurecloud", ""),
        ("az extension add -n azure-cli-ml -y", ""),
        ("az extension add --source https://host/azure_cli_ml-1.0.44-py3-none-any.whl --yes", ""),
        ("az extension add -s https://host/azure_cli_ml-1.0.44-py3-none-any.whl -y", ""),
        ("az extension update --name azure-cli-ml", ""),
        ("az extension remove -n ml", ""),
        ("az extension list --query '[].name' -o tsv", "azure-cli-ml"),
        ("az extension show -n azure-cli-ml --query name -o tsv", "azure-cli-ml"),
        ("az group create -n mlops -l eastus --query location -o tsv", "eastus"),
        ("az group show --name mlops --query properties.provisioningState -o tsv", "Succeeded"),
        ("az group exists -n mlops", "true"),
        ("az group list --query '[].name' -o tsv", "default"),
        ("az group delete -g mlops --yes", ""),
        ("az version --query extensions -o none", ""),
        ("az --version -o none", ""),
        ("az ml workspace create -n mlops -l eastus --sku basic --exist-ok -o none", ""),
    ],
)
def test_what_stands_around_az_ml_is_answered_with_one_line(pipeline: Mlrun, line: str, printed: str) -> None:
    done = step(pipeline, line)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == printed
    assert len(done.stderr.splitlines()) == 1
    assert "geheim" not in done.stderr


def test_an_answer_says_nothing_more_when_only_errors_are_to_be_shown(pipeline: Mlrun) -> None:
    done = step(pipeline, "az account show --only-show-errors --query state -o tsv")
    assert (done.stdout, done.stderr) == ("Enabled\n", "")


def test_defaults_are_kept_for_az_and_for_mlrun(pipeline: Mlrun) -> None:
    config = Path(pipeline.environment["HOME"]) / ".azure" / "config"
    config.parent.mkdir()
    config.write_text("[cloud]\nname = AzureCloud\n\n[defaults]\nlocation = eastus\n", encoding="utf-8")
    lines = "az configure --defaults group=rg 'workspace=my workspace' location=\naz config set core.output=yamlc"
    done = step(pipeline, lines)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    kept = config.read_text(encoding="utf-8")
    for setting in ("name = AzureCloud", "group = rg", "workspace = my workspace", "output = yamlc"):
        assert setting in kept
    assert "location" not in kept
    assert config.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in config.parent.iterdir()] == ["config"]

    made = step(
        pipeline, "mkdir ../elsewhere && cd ../elsewhere && az ml workspace create --exist-ok -l eastus -o json"
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout).items() >= {"name": "my workspace", "resourceGroup": "rg"}.items()
    shown = step(pipeline, "cd ../elsewhere && az ml workspace show --query resourceGroup")
    assert shown.stdout == "rg\n...\n"
    for line, printed in (
        ("az config get defaults.group --query value -o tsv", "rg"),
        ("az config get --query \"defaults[?name == 'workspace'].value\" -o tsv", "my workspace"),
        ("az config get defaults --query '[0].value' -o json", '"rg"'),
        ("az configure --list-defaults --query '[0].name' -o tsv", "group"),
        ("az configure -l --query '[0].name' -o tsv", "group"),
    ):
        assert step(pipeline, line).stdout.strip() == printed
    failure = step_fails(pipeline, "az config get defaults.sku", exit_code=3)
    assert failure.code == "SettingNotFound"
    assert failure.target == "defaults.sku"
    failure = step_fails(pipeline, "az config set output=json")
    assert failure.code == "InvalidValue"
    assert "section.name=value" in failure.text
    failure = step_fails(pipeline, "az configure --defaults group")
    assert failure.code == "InvalidValue"
    assert "name=value" in failure.text
    config.write_text("no section\n", encoding="utf-8")
    assert str(config) in step_fails(pipeline, "az configure --defaults group=rg").text
    config.unlink()


@pytest.mark.parametrize(
    "line",
    ["az acr build -r geheim .", "az extension add -n azure-devops", "az keyvault secret set -n", "az configure"],
)
def test_what_is_not_answered_needs_a_real_az(pipeline: Mlrun, line: str) -> None:
    failure = step_fails(pipeline, line, exit_code=1)
    assert failure.code == "ProgramNotFound"
    assert "geheim" not in failure.text


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("az", "\n  extension add "),
        ("az -h", "\n  login "),
        ("az --help", "az ml -h"),
        ("az group -h", "\n  group create "),
        ("az login -h", "Usage: az login "),
        ("az configure --help", "Usage: az configure "),
    ],
)
def test_what_is_answered_has_help(pipeline: Mlrun, line: str, told: str) -> None:
    done = step(pipeline, f"COLUMNS=80 {line}")
    assert (done.returncode, done.stderr) == (0, "")
    assert told in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "what", "advice"),
    [
        ("job create -f job.yml", "job create", "submit-script"),
        ("online-endpoint create", "online-endpoint create", "download"),
        ("component list", "component list", "submit-script"),
        ("compute create", "compute create", "computetarget create"),
        ("data create", "data create", "attach-local"),
        ("connection list", "connection list", "not the newer one"),
        ("datastore create -f datastore.yml", "datastore create", "attach-local"),
    ],
)
def test_the_newer_az_ml_is_refused_by_name(pipeline: Mlrun, words: str, what: str, advice: str) -> None:
    failure = step_fails(pipeline, f"az ml {words}")
    assert (failure.code, failure.target) == ("UnsupportedCommand", what)
    assert advice in failure.hint


def test_a_bad_query_or_format_is_refused(pipeline: Mlrun) -> None:
    step_fails(pipeline, "az account show --query '[' ")
    step_fails(pipeline, "az account show -o xlsx")
    step_fails(pipeline, "az account show --query")
    failure = step_fails(pipeline, "az account show --o tsv")
    assert failure.code == "UsageError"
    assert "--only-show-errors" in failure.text
    failure = step_fails(pipeline, "az config set -o none core.output=json")
    assert failure.code == "MissingOption"
    failure = step_fails(pipeline, "az config set core.output=json --local")
    assert failure.code == "Unsupported"
    assert failure.target == "--local"
    failure = step_fails(pipeline, "az group create")
    assert failure.code == "MissingOption"


def test_all_else_goes_to_the_az_behind_it_with_its_words_and_exit_code(mlrun: Mlrun, tmp_path: Path) -> None:
    real = write_az(tmp_path / "real")
    first, second = tmp_path / "first bin", tmp_path / "second"
    behind = f"{real.parent}{os.pathsep}{mlrun.environment['PATH']}"
    mlrun.environment["PATH"] = behind
    assert mlrun.json("install-az", str(first)) == {
        "az": str(first / "az"),
        "behind": str(real),
        "mlrun": str(mlrun.command[0]),
    }
    mlrun("install-az", str(second))
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "az").symlink_to(second / "az")
    mlrun.environment["PATH"] = os.pathsep.join(map(str, (first, second, tmp_path / "link", behind)))
    done = step(mlrun, "az acr build -t 'my image' -- --query '*' .")
    assert (done.returncode, done.stdout, done.stderr) == (7, "real: acr build -t my image -- --query * .\n", "")
    assert step(mlrun, "az -h").stdout == "real: -h\n"
    for line in ("az login -u me -p geheim -o none", "az extension list -o none"):
        done = step(mlrun, line)
        assert (done.returncode, done.stdout) == (0, "")
        (note,) = done.stderr.splitlines()
        assert f" {real}." in note and "geheim" not in note
    assert str(real) not in step(mlrun, "az config get -o none").stderr


def test_an_az_that_is_not_ours_stays_unless_forced(mlrun: Mlrun, tmp_path: Path) -> None:
    path = write_az(tmp_path / "bin")
    before = path.read_bytes()
    failure = mlrun.fails("install-az", str(path.parent))
    assert failure.code == "FileAlreadyExists"
    assert "--force" in failure.text
    assert path.read_bytes() == before
    mlrun("install-az", str(path.parent), "--force")
    ours = path.read_bytes()
    assert ours != before
    mlrun("install-az", str(path.parent))  # our own is written anew
    assert path.read_bytes() == ours
    assert [each.name for each in path.parent.iterdir()] == ["az"]

    path.unlink()
    path.symlink_to("nothing")
    failure = mlrun.fails("install-az", str(path.parent))
    assert failure.code == "FileAlreadyExists"
    assert "--force" in failure.text


def test_a_folder_that_cannot_be_written_is_named(mlrun: Mlrun) -> None:
    mlrun.script("")
    assert mlrun.fails("install-az", "train.py").code == "InvalidPath"
    assert mlrun.fails("install-az", "train.py/bin").code == "InvalidPath"
    failure = mlrun.fails("install-az", "/proc/bin", exit_code=1)
    assert failure.code == "FileNotWritable"
    assert "/proc/bin/az" in failure.text
    (mlrun.folder / "bin" / "az").mkdir(parents=True)
    assert mlrun.fails("install-az", "bin", "--force").code == "FileAlreadyExists"


def test_an_az_whose_mlrun_is_gone_says_so(mlrun: Mlrun) -> None:
    mlrun("install-az", "bin")
    path = mlrun.folder / "bin" / "az"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(mlrun.command[0], "/nowhere/mlrun"), encoding="utf-8")
    done = step(mlrun, "./bin/az ml run list")
    assert (done.returncode, done.stdout) == (1, "")
    assert "/nowhere/mlrun" in done.stderr


def test_its_help_fits_80_columns_and_its_examples_work(mlrun: Mlrun) -> None:
    mlrun.environment["COLUMNS"] = "80"
    page = mlrun("install-az", "-h").stdout
    assert max(map(len, page.splitlines())) <= 80
    examples = [line.strip() for line in page.partition("\nExamples\n")[2].splitlines() if line.startswith("    ")]
    assert len(examples) == 2
    for line in examples:
        done = step(mlrun, f"{line}\nPATH=$PWD/bin:$PATH az account show --query state -o tsv")
        assert done.stdout.endswith("Enabled\n"), done.stderr
