"""Every command of azure-cli-ml 1.x is there, or is refused by its name with what to do instead."""

from __future__ import annotations

import pytest

from mlrun_cli.cli.command_groups import find_declaration
from mlrun_cli.cli.tree import build_root
from mlrun_cli.errors import UnsupportedCommand

_SUPPORTED = {
    "computetarget": "list show delete detach",
    "computetarget attach": "remote",
    "computetarget create": "amlcompute computeinstance",
    "dataset": "list register show unregister",
    "datastore": "detach download list set-default show show-default upload",
    "environment": "download list register scaffold show",
    "experiment": "list",
    "folder": "attach",
    "model": "delete download list register show update",
    "pipeline": "clone create create-schedule disable disable-schedule enable enable-schedule get last-pipeline-run"
    " list list-steps pipeline-runs-list show show-schedule update-schedule",
    "run": "cancel download-logs list monitor-logs monitor-tensorboard show submit-hyperdrive submit-pipeline"
    " submit-script update",
    "workspace": "create list show",
}
_REFUSED = {
    "computetarget": "get-credentials",
    "computetarget amlcompute": "identity",
    "computetarget attach": "aks kubernetes",
    "computetarget computeinstance": "restart start stop",
    "computetarget create": "aks datafactory",
    "computetarget update": "aks amlcompute",
    "dataset": "archive deprecate reactivate",
    "datastore": "attach-adls attach-adls-gen2 attach-blob attach-dbfs attach-file attach-mysqldb attach-psqldb"
    " attach-sqldb",
    "endpoint": "realtime",
    "model": "deploy package profile",
    "pipeline": "clone-draft create-draft delete-draft list-drafts publish-draft show-draft submit-draft update-draft",
    "service": "create delete get-access-token get-keys get-logs list regen-key run show update",
    "workspace": "delete list-keys private-endpoint share sync-keys update update-dependencies",
}


def list_lines(verbs: dict[str, str]) -> list[str]:
    return [f"{group} {verb}" for group, names in verbs.items() for verb in names.split()]


@pytest.mark.parametrize("line", list_lines(_SUPPORTED))
def test_a_command_of_azure_is_there(line: str) -> None:
    found = find_declaration(["ml", *line.split(), "-n", "x"])
    assert found is not None and list(found[1])[-2:] == ["-n", "x"]


@pytest.mark.parametrize("line", list_lines(_REFUSED))
def test_a_command_that_only_azure_has_is_refused_by_name_with_what_to_do_instead(line: str) -> None:
    for before in ([], ["ml"]):
        if line.startswith("service ") and not before:
            continue  # mlrun has another group of this name
        with pytest.raises(UnsupportedCommand) as refused:
            build_root().main([*before, *line.split(), "-n", "x"], standalone_mode=False)
        assert refused.value.exit_code == 2
        assert str(refused.value.target) in line and " " in str(refused.value.target)
        assert refused.value.hint and refused.value.hint != "See 'mlrun -h'."
