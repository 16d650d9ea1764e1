"""What is planned for a run: which interpreter, which packages, and what is said about it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mlrun_cli
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.build_plan import plan_conda_environment
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.environments.environment import BasePython, Builder, EnvironmentBuild, EnvironmentPlan, LocalSource
from mlrun_cli.environments.local_sources import find_changed_source
from mlrun_cli.environments.mode import EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.placeholders import replace_secrets_in_dockerfile
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.environments.user_managed import plan_python_on_path, plan_user_managed_environment
from mlrun_cli.errors import EnvironmentNotBuilt, InvalidFile, Unsupported
from tests.environments.stand_ins import put_python_on_path

DATA = Path(__file__).parents[1] / "data" / "conda"
BASE_PYTHON = os.path.realpath(sys.executable)
VERSION = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def environ(environ_with_one_python: dict[str, str]) -> dict[str, str]:
    return environ_with_one_python


def plan_of(
    tmp_path: Path, environ: dict[str, str], content: str, mode: EnvironmentMode = EnvironmentMode.PINNED
) -> PlannedEnvironment:
    path = tmp_path / "conda.yml"
    path.write_text(content, encoding="utf-8")
    return plan_conda_environment(
        read_conda_dependencies(path),
        home=tmp_path / "home",
        environ=environ,
        environment_choice=EnvironmentChoice(mode),
    )


def put_on_path(environ: dict[str, str], name: str) -> Path:
    """A program that does nothing, in a folder of its own at the end of PATH."""
    program = Path(environ["PATH"].split(os.pathsep)[0]).parent / f"of-{name}" / name
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    environ["PATH"] += f"{os.pathsep}{program.parent}"
    return program


def build_of(tmp_path: Path, environ: dict[str, str], content: str) -> EnvironmentBuild:
    build = plan_of(tmp_path, environ, content).plan.build
    assert build is not None
    return build


def test_a_requirements_file_of_pip_is_a_pip_part(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    (folder / "requirements.txt").write_text("scipy>=1.5  # why\n-r more.txt\n", encoding="utf-8")
    (folder / "more.txt").write_text("# none\nattrs\n", encoding="utf-8")
    dependencies = read_conda_dependencies(folder / "requirements.txt")
    build = plan_conda_environment(dependencies, home=tmp_path / "home", environ=environ).plan.build
    assert build is not None
    assert build.requirements == ("scipy>=1.5", "attrs")


def requirements_of(tmp_path: Path, environ: dict[str, str], *pip: str) -> tuple[str, ...]:
    build = build_of(tmp_path, environ, "dependencies:\n- pip:\n" + "".join(f'  - "{line}"\n' for line in pip))
    return build.options + build.requirements


def test_plan_survives_json() -> None:
    build = EnvironmentBuild(
        "k", "/f", (BasePython("/usr/bin/python3", "3.8.1", True),), Builder.UV, "/u", ("a==1",), ("-i x",)
    )
    conda = build._replace(builder=Builder.CONDA, packages=("numpy=1",), channels=("defaults",), is_relaxed=True)
    conda = conda._replace(local=(LocalSource("--editable /p", "/p", "s"),))
    plans = [EnvironmentPlan("/usr/bin/python3", starter=("/opt/spark-submit", "--conf", "a=b"))]
    for plan in [*plans, EnvironmentPlan("/f/venv/bin/python", build), EnvironmentPlan("/f/venv/bin/python", conda)]:
        assert EnvironmentPlan.from_json(plan.to_json()) == plan


def test_user_managed_without_a_name_is_the_python_on_path(tmp_path: Path, environ: dict[str, str]) -> None:
    planned = plan_user_managed_environment(None, environ["PATH"], tmp_path)
    assert planned.plan == EnvironmentPlan(f"{environ['PATH']}/python")
    assert planned.notes == ()


def test_user_managed_falls_back_on_python3(tmp_path: Path, environ: dict[str, str]) -> None:
    Path(environ["PATH"], "python").rename(Path(environ["PATH"], "python3"))
    planned = plan_user_managed_environment("python", environ["PATH"], tmp_path)
    assert planned.plan.interpreter == f"{environ['PATH']}/python3"
    assert planned.notes == ()


def test_user_managed_path_is_taken_from_the_folder_and_stays_a_link(tmp_path: Path, environ: dict[str, str]) -> None:
    planned = plan_user_managed_environment("path/python", environ["PATH"], tmp_path)
    assert planned.plan.interpreter == f"{environ['PATH']}/python"


def test_user_managed_path_that_does_not_exist_gives_way_with_a_note(tmp_path: Path, environ: dict[str, str]) -> None:
    planned = plan_user_managed_environment("/azureml-envs/x/bin/python", environ["PATH"], tmp_path)
    assert planned.plan.interpreter == f"{environ['PATH']}/python"
    assert "/azureml-envs/x/bin/python" in planned.notes[0]


def test_user_managed_folder_and_plain_file_are_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    for named, words in ((str(tmp_path), "a folder"), ("./notes.txt", "not executable")):
        with pytest.raises(EnvironmentNotBuilt, match=words):
            plan_user_managed_environment(named, environ["PATH"], tmp_path)


def test_no_python_on_path_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotBuilt, match=r"'python'.*'python3'.* PATH\b"):
        plan_user_managed_environment(None, str(tmp_path), tmp_path)


def test_throw_away_environment_of_the_tool_is_not_the_users_python(tmp_path: Path, environ: dict[str, str]) -> None:
    tool = tmp_path / "archive-v0" / "abc"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tool], check=True)
    code = (
        "import sys; from pathlib import Path\n"
        "from mlrun_cli.environments.user_managed import plan_user_managed_environment\n"
        "print(plan_user_managed_environment(None, sys.argv[1], Path('/')).plan.interpreter)"
    )
    path = f"{tool}/bin{os.pathsep}{environ['PATH']}"
    answer = subprocess.run(
        [tool / "bin" / "python", "-c", code, path],
        env={"PYTHONPATH": str(Path(mlrun_cli.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == f"{environ['PATH']}/python"


def test_conda_and_pip_parts_become_one_list(tmp_path: Path, environ: dict[str, str]) -> None:
    dependencies = read_conda_dependencies(DATA / "training.yml")
    planned = plan_conda_environment(dependencies, home=tmp_path, environ=environ)
    build = planned.plan.build
    assert build is not None
    assert build.requirements == (
        "numpy==1.18.*",
        "matplotlib>=3,<4",
        "scipy==1.5.2.*",
        "scikit_learn==1.4.2",
        "pandas",
        "pyarrow",
    )
    assert build.options == ("--extra-index-url https://wheels.example.org/simple",)
    assert build.python == BASE_PYTHON
    assert planned.plan.interpreter == f"{build.folder}/venv/bin/python"
    assert build.folder == f"{tmp_path}/environments/{build.key}"
    said = "\n".join(planned.notes)
    assert "azureml: azureml-core==1.35.0, azureml-dataprep[fuse,pandas]" in said
    assert ": cudatoolkit=10.1" in said
    assert "scipy=1.5.2=py38h8c5af15_0" in said
    assert "https://conda.example.org/private" in said
    assert len(planned.notes) == 4


def test_nothing_is_said_of_plain_names_from_public_channels(tmp_path: Path, environ: dict[str, str]) -> None:
    planned = plan_of(
        tmp_path, environ, "channels: [defaults, conda-forge]\ndependencies: [pip, pytorch, scikit-learn]\n"
    )
    assert planned.notes == ()
    assert planned.plan.build is not None
    assert planned.plan.build.requirements == ("torch", "scikit-learn")


def test_notes_and_errors_on_a_private_channel_hold_no_password(tmp_path: Path, environ: dict[str, str]) -> None:
    channel = "https://bob:pw@h/own"
    planned = plan_of(tmp_path, environ, f"channels: ['{channel}']\ndependencies: ['{channel}::numpy=1=0', cudnn]\n")
    assert [note for note in planned.notes if "https://***@h/own" in note]
    assert "pw" not in "".join(planned.notes)
    with pytest.raises(Unsupported, match=r"https://\*\*\*@h/own::left-pad"):
        plan_of(tmp_path, environ, f"dependencies: ['{channel}::left-pad']\n")


def test_unknown_conda_names_are_refused_together(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(Unsupported, match="r-base, my-own=1") as caught:
        plan_of(tmp_path, environ, "dependencies: [numpy, r-base, my-own=1]\n")
    assert caught.value.hint is not None
    assert "pip:" in caught.value.hint


def test_key_depends_on_content_and_not_on_order(tmp_path: Path, environ: dict[str, str]) -> None:
    one = build_of(tmp_path, environ, "name: a\ndependencies: [numpy, pandas]\n")
    same = build_of(tmp_path, environ, "name: b\ndependencies: [pandas, numpy, {pip: [azureml-core]}]\n")
    other = build_of(tmp_path, environ, "dependencies: [numpy, pandas=1]\n")
    assert one.key == same.key != other.key


def test_key_follows_a_local_package_and_not_what_building_it_leaves(tmp_path: Path, environ: dict[str, str]) -> None:
    package = tmp_path / "a package"
    package.mkdir()
    (package / "setup.py").write_text("1", encoding="utf-8")
    content = "dependencies: [{pip: ['./a package']}]\n"
    before = build_of(tmp_path, environ, content)
    assert before.requirements == (package.as_uri(),)
    for name in ("build/x.py", ".venv/x.py", "node_modules/x.py", "a.egg-info/x.py"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("1", encoding="utf-8")
    assert build_of(tmp_path, environ, content).key == before.key
    (package / "labels.json").write_text("1", encoding="utf-8")
    with_data = build_of(tmp_path, environ, content)
    assert with_data.key != before.key
    assert find_changed_source(before.local) is None  # a log that the submit writes there is no other package
    for name in ("setup.py", "sub/a.py", "sub/b.pyx", "requirements-dev.txt"):
        before = build_of(tmp_path, environ, content)
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("22", encoding="utf-8")
        assert build_of(tmp_path, environ, content).key != before.key
        assert find_changed_source(before.local) == str(package)


def test_key_follows_a_folder_of_wheels(tmp_path: Path, environ: dict[str, str]) -> None:
    content = "dependencies: [{pip: ['--find-links .', tiny]}]\n"
    for name, changed in (("a.whl", str(tmp_path)), ("b.tar.gz", str(tmp_path)), ("run.log", None)):
        before = build_of(tmp_path, environ, content)
        (tmp_path / name).write_text("1", encoding="utf-8")
        assert build_of(tmp_path, environ, content).key != before.key
        assert find_changed_source(before.local) == changed


def test_local_source_that_cannot_be_looked_at_has_not_changed() -> None:
    assert find_changed_source([LocalSource("tiny @ file:///…", f"/{'long' * 100}", "")]) is None


def test_image_of_a_dockerfile_is_no_secret_though_a_password_is_the_same_word() -> None:
    text = "from --platform=linux/amd64 postgres:15 AS postgres\nENV POSTGRES_PASSWORD={0}\nRUN psql -U {0}\n"
    hidden, secrets = replace_secrets_in_dockerfile(text.format("postgres"), Redactor())
    assert hidden == text.format("${MLRUN_INSTALL_SECRET_1}")
    assert secrets == {"MLRUN_INSTALL_SECRET_1": "postgres"}


def test_requirements_files_are_written_out(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more.txt").write_text("six \\\n==1.16\n./here\n", encoding="utf-8")
    (tmp_path / "sub" / "here").mkdir()
    (tmp_path / "req.txt").write_text("# all\n\n-r sub/more.txt\r\ntqdm # bar\n-i https://x/y#z\n", encoding="utf-8")
    assert requirements_of(tmp_path, environ, "-r req.txt", "tqdm") == (
        "--index-url https://x/y#z",
        "six  ==1.16",
        f"{tmp_path}/sub/here",
        "tqdm",
    )


def test_requirements_files_in_a_circle_are_named(tmp_path: Path, environ: dict[str, str]) -> None:
    for name, included in (("start", "a"), ("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.txt").write_text(f"-r {included}.txt\n", encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        requirements_of(tmp_path, environ, "-r start.txt")
    circle = f"{tmp_path}/a.txt -> {tmp_path}/b.txt -> {tmp_path}/a.txt"
    assert caught.value.message.startswith(f"{tmp_path}/b.txt: '-r {tmp_path}/a.txt' ")
    assert caught.value.message.endswith(f": {circle}")


@pytest.mark.parametrize(("copies", "depth"), [(2, 15), (1, 30)])
def test_requirements_files_without_end_are_refused(
    tmp_path: Path, environ: dict[str, str], copies: int, depth: int
) -> None:
    for number in range(depth):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n" * copies, encoding="utf-8")
    (tmp_path / f"{depth}.txt").write_text("six\n", encoding="utf-8")
    with pytest.raises(InvalidFile, match=r" 100 files .* 20 deep"):
        requirements_of(tmp_path, environ, "-r 0.txt")


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("--user", Unsupported, "'--user'"),
        ("-r https://example.org/r.txt", Unsupported, "address"),
        ("-r none.txt", InvalidFile, "does not exist"),
        ("-e ./none", InvalidFile, "does not exist"),
        ("--index-url", InvalidFile, "lacks the value"),
        ("numpy pandas", InvalidFile, "is not a requirement"),
    ],
)
def test_pip_line_that_nothing_would_take_is_refused(
    tmp_path: Path, environ: dict[str, str], line: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        requirements_of(tmp_path, environ, line)


def test_a_package_that_is_not_where_it_is_named_is_told_with_its_place(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with pytest.raises(InvalidFile, match=r"'\./none' ") as caught:
        requirements_of(tmp_path, environ, "./none")
    assert str(tmp_path / "none") in str(caught.value.hint)


@pytest.mark.parametrize(
    ("line", "shown", "secret"),
    [
        ("--index-url https://bob:pw@h/s", "--index-url https://${MLRUN_INSTALL_SECRET_1}@h/s", "bob:pw"),
        ("-i https://bob:p@ss:w@rd@h/s", "--index-url https://${MLRUN_INSTALL_SECRET_1}@h/s", "bob:p@ss:w@rd"),
        ("git+ssh://bob:p@ss@h/x.git", "git+ssh://${MLRUN_INSTALL_SECRET_1}@h/x.git", "bob:p@ss"),
        ("git+https://tok@h/x.git@v1", "git+https://${MLRUN_INSTALL_SECRET_1}@h/x.git@v1", "tok"),
        ("git+https://git@h/x.git", "git+https://git@h/x.git", None),
        (
            "x @ https://h/x.whl?sv=1&sig=s3%2B",
            "x @ https://h/x.whl?sv=1&sig=${MLRUN_INSTALL_SECRET_1}",
            "s3%2B",
        ),
        ("git+ssh://git@h/x.git", "git+ssh://git@h/x.git", None),
        ("-i https://${USER}:${TOKEN}@h/s", "--index-url https://${USER}:${TOKEN}@h/s", None),
    ],
)
def test_secrets_of_addresses_stay_out_of_the_plan(
    tmp_path: Path, environ: dict[str, str], line: str, shown: str, secret: str | None
) -> None:
    planned = plan_of(tmp_path, environ, f"dependencies: [{{pip: ['{line}']}}]\n")
    assert planned.plan.build is not None
    assert planned.plan.build.options + planned.plan.build.requirements == (shown,)
    assert list(planned.secrets.values()) == ([secret] if secret else [])


def test_option_that_uv_does_not_take_chooses_pip(tmp_path: Path, environ: dict[str, str]) -> None:
    build = build_of(tmp_path, environ, "dependencies: [{pip: [--prefer-binary, six]}]\n")
    assert build.builder is Builder.PIP
    assert build.installer == BASE_PYTHON


def test_pinned_python_on_path_is_taken(tmp_path: Path, environ: dict[str, str]) -> None:
    assert build_of(tmp_path, environ, f"dependencies: [python={VERSION}]\n").python == BASE_PYTHON


def test_base_of_a_virtual_environment_is_built_from(tmp_path: Path, environ: dict[str, str]) -> None:
    subprocess.run([BASE_PYTHON, "-m", "venv", "--copies", "--without-pip", tmp_path / "v"], check=True)
    build = build_of(tmp_path, environ | {"PATH": f"{tmp_path}/v/bin"}, "dependencies: [six]\n")
    assert build.python == BASE_PYTHON


def test_python_that_cannot_be_had_names_the_pin_and_the_file(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(EnvironmentNotBuilt, match=r"conda\.yml .* 3\.6\.2") as caught:
        plan_of(tmp_path, environ, "dependencies: [python=3.6.2]\n")
    assert VERSION in (caught.value.hint or "")


def test_no_version_of_python_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(InvalidFile, match="'=three' "):
        plan_of(tmp_path, environ, "dependencies: [python=three]\n")


@pytest.mark.parametrize(
    ("text", "is_had"),
    [("=3.6.2", False), ("=3.7", False), ("=2.7", False), ("=3.8.1", False), ("=3.8", True), ("=3.8.13", True)],
)
def test_uv_is_advised_for_a_python_that_it_has_alone(
    tmp_path: Path, environ: dict[str, str], text: str, is_had: bool
) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from mlrun_cli.environments.build_plan import plan_conda_environment\n"
        "from mlrun_cli.environments.conda_file import read_conda_dependencies\n"
        "dependencies = read_conda_dependencies(Path(sys.argv[1]))\n"
        "try: plan_conda_environment(dependencies, home=Path('/'), environ={'PATH': sys.argv[2]})\n"
        "except Exception as error: print(error.message, error.hint)"
    )
    (tmp_path / "conda.yml").write_text(f"dependencies: ['python{text}']\n", encoding="utf-8")
    # Away from the uv that is beside this Python.
    python = tmp_path / "python"
    python.symlink_to(BASE_PYTHON)
    path = os.pathsep.join([str(Path(mlrun_cli.__file__).parents[1]), *sys.path])
    said = subprocess.check_output(
        [python, "-c", code, tmp_path / "conda.yml", environ["PATH"]], env={"PYTHONPATH": path}, text=True
    )
    assert f" Python {text[1:]}, " in said
    assert ("install uv" in said) is is_had


def test_plan_of_an_earlier_version_is_read() -> None:
    document = EnvironmentPlan(
        "/p", EnvironmentBuild("k", "/f", (BasePython("/p"),), Builder.UV, "/uv", ("a",), ())
    ).to_json()
    for name in ("packages", "channels", "is_relaxed"):
        del document["build"][name]
    del document["starter"]
    assert EnvironmentPlan.from_json(document).build == EnvironmentBuild(
        "k", "/f", (BasePython("/p"),), Builder.UV, "/uv", ("a",), ()
    )


@pytest.mark.parametrize("name", ["conda", "micromamba", "mamba"])
def test_conda_on_path_is_handed_what_is_asked_for(tmp_path: Path, environ: dict[str, str], name: str) -> None:
    conda = put_on_path(environ, name)
    content = (
        "channels: [conda-forge, 'https://bob:s3cr3t@conda.example.org/own']\n"
        "dependencies: [python=3.6.2, r-base, 'conda-forge::numpy=1.18=py36_0', azureml-sdk, "
        "{pip: [azureml-defaults, tqdm==4.1]}]\n"
    )
    planned = plan_of(tmp_path, environ, content)
    build = planned.plan.build
    assert build is not None
    assert (build.builder, build.installer) == (Builder.CONDA, str(conda))
    assert build.packages == ("python=3.6.2", "r-base", "conda-forge::numpy=1.18=py36_0", "pip")
    assert build.channels == ("conda-forge", "https://${MLRUN_INSTALL_SECRET_1}@conda.example.org/own")
    assert build.requirements == ("tqdm==4.1",)
    assert planned.secrets == {"MLRUN_INSTALL_SECRET_1": "bob:s3cr3t"}
    assert planned.plan.interpreter == f"{build.folder}/venv/bin/python"
    assert len(planned.notes) == 1
    assert "azureml-defaults, azureml-sdk" in planned.notes[0]


def test_conda_environment_has_a_python_even_if_none_is_asked_for(tmp_path: Path, environ: dict[str, str]) -> None:
    put_on_path(environ, "conda")
    assert build_of(tmp_path, environ, "dependencies: [numpy]\n").packages == ("numpy", "python")


def test_order_of_channels_makes_another_conda_environment(tmp_path: Path, environ: dict[str, str]) -> None:
    put_on_path(environ, "conda")
    one = build_of(tmp_path, environ, "channels: [a, b]\ndependencies: [numpy, pandas]\n")
    same = build_of(tmp_path, environ, "channels: [a, b]\ndependencies: [pandas, numpy]\n")
    other = build_of(tmp_path, environ, "channels: [b, a]\ndependencies: [numpy, pandas]\n")
    assert one.key == same.key != other.key


def test_relaxed_takes_the_nearest_python_and_says_so(tmp_path: Path, environ: dict[str, str]) -> None:
    put_python_on_path(environ, (3, 7, 16))
    planned = plan_of(tmp_path, environ, "dependencies: [python=3.6.2]\n", EnvironmentMode.RELAXED)
    assert planned.plan.build is not None
    assert planned.plan.build.pythons == (
        BasePython(f"{tmp_path}/pythons/python3.7", "3.7.16", True),
        BasePython(BASE_PYTHON, VERSION, True),
    )
    assert re.search(r" 3\.6\.2 .* 3\.7\.16, '/", planned.notes[0])


def test_relaxed_is_another_environment(tmp_path: Path, environ: dict[str, str]) -> None:
    content = "dependencies: [numpy=1.18]\n"
    relaxed = plan_of(tmp_path, environ, content, EnvironmentMode.RELAXED).plan.build
    assert relaxed is not None
    assert relaxed.is_relaxed
    assert not relaxed.pythons[0].only_wheels
    assert relaxed.key != build_of(tmp_path, environ, content).key


def test_python_that_cannot_be_had_names_both_ways_out(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(EnvironmentNotBuilt) as caught:
        plan_of(tmp_path, environ, "dependencies: [python=3.6.2]\n")
    assert "--environment relaxed" in (caught.value.hint or "")
    assert "--environment current" in (caught.value.hint or "")


def test_current_is_the_python_on_path(tmp_path: Path, environ: dict[str, str]) -> None:
    planned = plan_python_on_path(environ["PATH"], "what the runconfig says of it")
    assert planned.plan == EnvironmentPlan(f"{environ['PATH']}/python")
    assert "what the runconfig says of it" in planned.notes[0]
    with pytest.raises(EnvironmentNotBuilt, match="'current'"):
        plan_python_on_path(str(tmp_path), "")


@pytest.mark.parametrize(
    "line",
    [
        "https://h/sdk/azureml_core-0.1.65-py3-none-any.whl",
        "https://h/sdk/azureml_core-0.1.65-py3-none-any.whl?sv=1&sig=x",
        "azureml-core @ https://h/azureml_core-0.1.whl",
        "git+https://h/sdk.git#egg=azureml-core",
        "./wheels/azureml_train-1.0.tar.gz",
        "azureml-defaults",
        "--extra-index-url https://azuremlsdktestpypi.azureedge.net/sdk-release/Preview/E7501C02541B433786111FE8E140CAA1",
    ],
)
def test_azureml_is_left_out_however_it_is_named(tmp_path: Path, environ: dict[str, str], line: str) -> None:
    planned = plan_of(tmp_path, environ, f"dependencies: [{{pip: ['{line}', tqdm]}}]\n")
    assert planned.plan.build is not None
    assert (planned.plan.build.options, planned.plan.build.requirements) == ((), ("tqdm",))
    assert re.search(r"\bazureml: \S", planned.notes[0])


def test_relaxed_tries_an_unknown_conda_name_on_pypi_and_says_so(tmp_path: Path, environ: dict[str, str]) -> None:
    content = "dependencies: [numpy=1.18, my-own=1.2, 'conda-forge::another']\n"
    planned = plan_of(tmp_path, environ, content, EnvironmentMode.RELAXED)
    assert planned.plan.build is not None
    assert planned.plan.build.requirements == ("numpy==1.18.*", "my-own==1.2.*", "another")
    said = "not known outside conda, tried on PyPI under its own name: my-own=1.2, conda-forge::another."
    assert [note for note in planned.notes if note.endswith(said)]
    with pytest.raises(Unsupported) as caught:
        plan_of(tmp_path, environ, content)
    assert "'--environment relaxed'" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("azureml", "expected"),
    [
        ("azureml-defaults, 'azureml-dataprep[pandas,fuse]'", ("pandas", "pyarrow")),
        ("'azureml-dataset-runtime[fuse, pandas]==1.30'", ("numpy", "pandas", "pyarrow")),
        ("azureml-sdk", ()),
        ("'azureml-sdk[automl,notebooks]'", ("pandas", "scikit-learn")),
        ("'azureml_interpret'", ("pandas", "scikit-learn")),
        ("'azureml-dataprep[pandas]', pandas==1.1", ("pandas==1.1", "pyarrow")),
    ],
)
def test_what_azureml_packages_bring_is_installed(
    tmp_path: Path, environ: dict[str, str], azureml: str, expected: tuple[str, ...]
) -> None:
    planned = plan_of(tmp_path, environ, f"dependencies: [{{pip: [{azureml}]}}]\n")
    assert planned.plan.build is not None
    assert planned.plan.build.requirements == expected
    bare = [name for name in expected if "=" not in name]
    assert all(name in planned.notes[0] for name in bare)


def test_conda_pins_what_an_azureml_package_would_bring(tmp_path: Path, environ: dict[str, str]) -> None:
    content = "dependencies: [pandas=1.1, {pip: ['azureml-dataprep[pandas]']}]\n"
    assert build_of(tmp_path, environ, content).requirements == ("pandas==1.1.*", "pyarrow")


def test_nothing_without_a_hash_joins_requirements_with_hashes(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "requirements.txt").write_text("azureml-dataprep[pandas]\nidna==3.4 --hash=sha256:" + "0" * 64 + "\n")
    content = "dependencies: [{pip: [-r requirements.txt]}]\n"
    assert [line.partition(" ")[0] for line in build_of(tmp_path, environ, content).requirements] == ["idna==3.4"]


def test_azureml_mlflow_brings_mlflow_and_a_line_on_its_data(tmp_path: Path, environ: dict[str, str]) -> None:
    planned = plan_of(tmp_path, environ, "dependencies: [{pip: [azureml-mlflow, azureml-core]}]\n")
    assert planned.plan.build is not None
    assert planned.plan.build.requirements == ("mlflow-skinny<3",)
    assert "MLflow" in planned.notes[1]
    named = build_of(tmp_path, environ, "dependencies: [{pip: [azureml-mlflow, mlflow==2.1]}]\n")
    assert named.requirements == ("mlflow==2.1",)
