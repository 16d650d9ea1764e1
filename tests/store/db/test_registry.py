from pathlib import Path

import pytest

import mlrun_cli
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.store.db.registry import LOCATORS
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, iterate_identities, locate_workspace

PLAIN = WorkspaceIdentity("subscription", "group", "plain")
NAMED = WorkspaceIdentity("subscription", "group", "named")


@pytest.fixture
def second_dialect(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(LOCATORS, "database.txt", "tests.store.db.named_file:NamedFile")
    return "database.txt"


def test_a_line_in_the_registry_and_a_file_of_the_folder_choose_the_dialect(
    tmp_path: Path, second_dialect: str
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere.db"
    folder = locate_workspace(home, NAMED).folder
    folder.mkdir(parents=True)
    (folder / second_dialect).write_text(str(elsewhere))
    for identity in (NAMED, PLAIN):
        with Workspace.open(locate_workspace(home, identity), create=True, redactor=Redactor()) as workspace:
            workspace.settings.set("written", identity.name)
    assert elsewhere.exists()
    assert not (folder / "workspace.db").exists()
    assert list(iterate_identities(home)) == [NAMED, PLAIN]
    for identity in (NAMED, PLAIN):
        with Workspace.open(locate_workspace(home, identity), create=False, redactor=Redactor()) as workspace:
            assert workspace.settings.get("written") == identity.name


def test_no_module_outside_a_dialect_names_it_except_the_registry() -> None:
    package = Path(mlrun_cli.__file__).parent
    databases = package / "store" / "db"
    for dialect in [path.parent for path in databases.glob("*/__init__.py")]:
        others = [path for path in package.rglob("*.py") if dialect not in path.parents]
        naming = [path.name for path in others if f"store.db.{dialect.name}" in path.read_text()]
        assert naming == ["registry.py"]
