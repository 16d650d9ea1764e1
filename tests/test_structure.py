"""What the tree promises as a whole: light imports, a standard-library supervisor, a complete wheel, clean files."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlrun_cli.targets.kinds import TargetKind, list_attached_kinds

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mlrun_cli"
PROGRAMS = sorted(
    path for folder in ("collector", "node", "scheduler", "supervisor") for path in (PACKAGE / folder).rglob("*.py")
)
HEAVY = {
    "asyncio",
    "importlib.metadata",
    "jmespath",
    "pathspec",
    "psycopg",
    "pydantic",
    "pygments",
    "rich",
    "tabulate",
    "yaml",
}
TOP_LEVEL = {"mlrun_cli", "tests", "runconfigs", "pyproject.toml", "README.md", "LICENSE"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "MLRUN_", "PYTHON"))}
    return {**kept, "HOME": str(tmp_path), "MLRUN_HOME": str(tmp_path / "home")}


@pytest.mark.parametrize(
    "words",
    ["run list", "run show -r @latest", "run update -r @latest --add-tag a", "--help", "help", "help concepts"],
)
def test_what_is_typed_often_loads_nothing_heavy(words: str, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("", encoding="utf-8")
    program = "import json, os, sys; from mlrun_cli.cli.program import main\nos._exit = sys.exit\ntry: main()\n"
    program += "finally: print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    for line in ("folder attach", "run submit-script train.py", words):
        done = subprocess.run(
            [sys.executable, "-c", program, *line.split()],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not HEAVY & loaded
    assert ("mlrun_cli.cli.help.topics" in loaded) == ("help" in words)


def test_all_that_a_supervisor_loads_is_its_own_or_the_standard_library(environment: dict[str, str]) -> None:
    modules = [_name(path) for path in PROGRAMS]
    assert len(modules) > 1
    program = f"import {', '.join(modules)}, json, sys; print(json.dumps(sorted(sys.modules)))"
    # Without site no package of anybody's is found, and what other packages put into sys.modules is not there.
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)} - {"__main__", "mlrun_cli"}
    assert loaded <= set(sys.stdlib_module_names)
    assert "asyncio" not in loaded


_SQLITE_WORDS = re.compile(
    r"""(?x)
    sqlite | PRAGMA\b | \browid\b | ROWID\b | INDEXED\ BY | AUTOINCREMENT | \bfts5\b | \sMATCH\s:
    | INSERT\ OR\b | REPLACE\ INTO | \bGLOB\b | json_each | json_extract | group_concat | \bifnull\( | \btotal\(
    | \btypeof\( | \biif\( | \bprintf\( | \binstr\( | unixepoch | julianday | strftime\( | changes\(\)
    | last_insert_rowid | CREATE\ (?:TEMP|VIRTUAL) | CROSS\ JOIN\ \w+\ ON | (?:AND|WHERE)\ \+ | \.db\b | -wal\b
    """
)


def test_statements_about_nouns_are_the_same_on_every_database() -> None:
    dialects = PACKAGE / "store" / "db" / "sqlite"
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}": node.value
        for path in (PACKAGE / "store").rglob("*.py")
        if not path.is_relative_to(dialects)
        for node in _texts_of(_tree(path))
        if _SQLITE_WORDS.search(str(node.value))
    }
    assert {place.partition(":")[0] for place in found} == {"mlrun_cli/store/db/registry.py"}, found
    importers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(dialects)
        and re.search(r"(?m)^\s*(?:import|from) (?:sqlite3|mlrun_cli\.store\.db\.sqlite)\b", path.read_text("utf-8"))
    }
    assert importers == set()


def _texts_of(tree: ast.AST) -> list[ast.Constant]:
    """The texts in a module but for its docstrings."""
    docstrings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
    ]


NAME_AN_ENGINE = {
    # Advice for those who come from scripts of Slurm.
    "mlrun_cli/cli/help/topics.py",
    # Machines that scripts attach as Azure's `RemoteCompute`.
    "mlrun_cli/rpc/handlers/compute_targets.py",
}
"""Modules that name a kind of targets or import its folder, and that no other kind has to be added to."""


def test_kinds_of_targets_are_named_in_their_table_folders_and_commands_alone() -> None:
    kinds = list_attached_kinds()
    assert kinds
    places = {kind: _places_of(kind) for kind in kinds}
    assert [str(place) for own in places.values() for place in own if not place.exists()] == []
    # Those in the SDK are Azure's names.
    paths = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(PACKAGE / "sdk")]
    trees = {path: _tree(path) for path in paths}
    elsewhere = {
        str(path.relative_to(ROOT))
        for path, tree in trees.items()
        for kind, own in places.items()
        if _names_kind(tree, kind) and not any(path.is_relative_to(place) for place in own)
    }
    assert elsewhere == NAME_AN_ENGINE


def _places_of(kind: TargetKind) -> tuple[Path, Path, Path]:
    """The table of kinds, and the folder and the command of this one."""
    folder = PACKAGE / "targets" / _package_of(kind).rpartition(".")[2]
    return PACKAGE / "targets" / "kinds.py", folder, PACKAGE / f"cli/computetarget/attach_{kind.attach_word}.py"


def _package_of(kind: TargetKind) -> str:
    return kind.target_class.partition(":")[0].rpartition(".")[0]


def _names_kind(tree: ast.AST, kind: TargetKind) -> bool:
    names = re.compile(rf"\b(?:{kind.name}|{kind.attach_subcommand})\b")
    return any(names.search(str(node.value)) for node in _texts_of(tree)) or any(
        f"{module}.".startswith(f"{_package_of(kind)}.") for module in _imported_modules(tree)
    )


def test_a_supervisor_imports_nothing_after_its_start() -> None:
    for path in PROGRAMS:
        functions = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef)]
        # What loads something is called at the start, for the runs that need it.
        late = [function for function in functions if not function.name.lstrip("_").startswith("load_")]
        inside = [node for function in late for node in ast.walk(function)]
        assert not [node.lineno for node in inside if isinstance(node, ast.Import | ast.ImportFrom)], path


def test_what_scripts_share_with_the_tool_is_one_source_of_the_standard_library_alone() -> None:
    wire, shared = PACKAGE / "wire", PACKAGE / "sdk" / "azureml" / "_wire"
    sources = sorted(path.name for path in wire.glob("*.py"))
    assert sources == sorted(path.name for path in shared.glob("*.py"))
    assert [name for name in sources if not (shared / name).samefile(wire / name)] == []
    imported = [name for path in wire.glob("*.py") for name in _imported_modules(_tree(path))]
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names)


def test_modules_of_the_sdk_import_each_other_in_no_circle() -> None:
    sdk = PACKAGE / "sdk"
    paths = {".".join(path.relative_to(sdk).with_suffix("").parts): path for path in sdk.rglob("*.py")}
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    imports = {name: _imports_at_the_top(_tree(path)) & (paths.keys() - {name}) for name, path in paths.items()}
    circles = []
    for name in imports:
        reached: set[str] = set()
        following = [name]
        while following:
            new = imports[following.pop()] - reached
            reached |= new
            following.extend(new)
        if name in reached:
            circles.append(name)
    assert circles == []


def _imported_modules(tree: ast.AST) -> list[str]:
    """The names of all modules from which a module imports, and `.` for relative ones without a name."""
    return [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."])
    ]


def _imports_at_the_top(node: ast.AST) -> set[str]:
    """The names of modules, and of what may be one, that are imported when a module is."""
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found.update(alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            found.update([child.module, *(f"{child.module}.{alias.name}" for alias in child.names)])
        elif not isinstance(child, ast.FunctionDef | ast.Lambda) and not _is_for_types(child):
            found |= _imports_at_the_top(child)
    return found


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_files_and_functions_fit_a_reader() -> None:
    """Options of a command do not count: they are a table."""
    sources = [path for path in PACKAGE.rglob("*.py") if not path.is_symlink()]
    files = [*sources, *Path(__file__).parent.rglob("*.py")]
    assert not [path for path in files if len(path.read_text(encoding="utf-8").splitlines()) > 600]
    functions = [
        (path, node)
        for path in sources
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not [
        f"{path}: {node.name}" for path, node in functions if (node.end_lineno or 0) - node.body[0].lineno + 1 > 60
    ]


def test_the_version_is_a_plain_literal() -> None:
    assert re.search(
        r'^__version__ = "\d+\.\d+\.\d+"$', (PACKAGE / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE
    )


def test_an_editable_install_brings_azureml(environment: dict[str, str], tmp_path: Path) -> None:
    program = "import azureml.core; print(azureml.core.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(PACKAGE / "sdk")


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        paths_file = archive.read("mlrun_cli_sdk.pth").decode()
    assert paths_file.strip() == "mlrun_cli/sdk"
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in names)
    assert {name for name in names if name.startswith("mlrun_cli/")} == {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".pth"}
    }
    assert {"mlrun_cli/studio/pages/runs/template.html", "mlrun_cli/studio/static/studio.js"} <= names
    assert {name for name in names if name.endswith(".md")} == {
        path.relative_to(ROOT).as_posix() for path in (PACKAGE / "docs").rglob("*.md")
    }
    assert {name.partition("/")[0] for name in names} == {
        "mlrun_cli",
        "mlrun_cli_sdk.pth",
        next(top for name in names if (top := name.partition("/")[0]).endswith(".dist-info")),
    }


def test_no_file_names_the_place_it_was_written_at() -> None:
    # In two halves, so that this file does not hold what it looks for.
    foreign = re.compile(
        "|".join([r"(?<![\w}*…])/" + "work/", r"\.\./" + "shared", "/root/" + r"\.", r"\bissue " + "#?[0-9]"])
    )
    found = [f"{path}: {match[0]}" for path in _texts() for match in [foreign.search(path.read_text("utf-8"))] if match]
    assert not found


def test_nothing_else_lies_at_the_top() -> None:
    listed = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert listed - {"build", "dist"} == TOP_LEVEL


def _texts() -> list[Path]:
    """Every text that belongs to the project."""
    suffixes = {".py", ".md", ".toml", ".runconfig", ".yml", ".json", ".pth", ""}
    below = [path for top in ("mlrun_cli", "tests", "runconfigs", ".ci") for path in (ROOT / top).rglob("*")]
    files = [path for path in [*below, *ROOT.glob("*")] if path.is_file() and path.suffix in suffixes]
    return [path for path in files if "__pycache__" not in path.parts]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))
