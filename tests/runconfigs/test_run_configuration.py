from __future__ import annotations

from mlrun_cli.runconfigs.run_configuration import DEFAULTS, EMPTY, RunConfiguration


def test_a_value_at_a_default_of_any_version_is_not_changed() -> None:
    rest = {key_path: value for key_path, values in DEFAULTS.items() for value in (*values[:1],)}

    assert RunConfiguration(rest=rest).changed() == {}


def test_no_value_is_a_default_of_every_key() -> None:
    for empty in EMPTY:
        assert RunConfiguration(rest=dict.fromkeys(DEFAULTS, empty)).changed() == {}


def test_any_other_value_is_changed() -> None:
    rest = {"docker.useDocker": True, "docker.sharedVolumes": True, "amlcompute.vmSize": "STANDARD_D2_V2"}

    assert RunConfiguration(rest=rest).changed() == {
        "docker.useDocker": True,
        "amlcompute.vmSize": "STANDARD_D2_V2",
    }
