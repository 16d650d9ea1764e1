from __future__ import annotations

from operator import attrgetter

from mlrun_cli.runconfigs.keys import EMPTY, KEYS
from mlrun_cli.runconfigs.run_configuration import RunConfiguration


def test_a_value_at_a_default_of_any_version_is_not_changed() -> None:
    for key_path, key in KEYS.items():
        for value in (key.default, *key.other_defaults):
            assert RunConfiguration(rest={key_path: value}).get_non_default_entries() == {}


def test_no_value_is_a_default_of_every_key() -> None:
    for empty in EMPTY:
        assert RunConfiguration(rest=dict.fromkeys(KEYS, empty)).get_non_default_entries() == {}


def test_the_field_of_each_key_is_one_of_a_configuration() -> None:
    for key in KEYS.values():
        if key.field is not None:
            attrgetter(key.field)(RunConfiguration())


def test_any_other_value_is_changed() -> None:
    rest = {"docker.useDocker": True, "docker.sharedVolumes": True, "amlcompute.vmSize": "STANDARD_D2_V2"}

    assert RunConfiguration(rest=rest).get_non_default_entries() == {
        "docker.useDocker": True,
        "amlcompute.vmSize": "STANDARD_D2_V2",
    }
