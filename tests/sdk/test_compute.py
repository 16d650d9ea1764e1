from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path, attach=False)
    yield one
    one.close()


CHANGE_CLUSTER = """
import json, pickle
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute.amlcompute import AmlComputeStatus
from azureml.core.compute_target import ComputeTargetException as Missing

ws = Workspace.create("ws")
try:
    ComputeTarget(workspace=ws, name="cpu-cluster")
except Missing as error:
    assert "'cpu-cluster'" in str(error) and "local" in str(error) and "create" in str(error), error
    wanted = AmlCompute.provisioning_configuration(
        vm_size="STANDARD_D2_V2", vm_priority="lowpriority", min_nodes="1", max_nodes=4, tags={"a": "b"},
        idle_seconds_before_scaledown=120, admin_username="me", admin_user_password="hush",
    )
    target = ComputeTarget.create(ws, "cpu-cluster", wanted)
    target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)

found = ComputeTarget(ws, "cpu-cluster")
assert type(found) is AmlCompute and type(AmlCompute(ws, "cpu-cluster")) is AmlCompute
assert (found.name, found.type, found.vm_size, found.provisioning_state, found.tags) == (
    "cpu-cluster", "AmlCompute", "STANDARD_D2_V2", "Succeeded", {"a": "b"}
)
assert found.workspace == ws and found.created_on == target.created_on and not found.is_attached
status = found.get_status()
assert type(status) is AmlComputeStatus and status.serialize()["allocationState"] == "Steady"
assert (status.allocation_state, status.current_node_count, status.vm_priority) == ("Steady", 1, "LowPriority")
assert status.scale_settings.maximum_node_count == 4
document = json.loads(json.dumps(found.serialize()))
assert document["properties"]["properties"]["scaleSettings"] == {
    "minNodeCount": 1, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT120S"
}
assert "hush" not in json.dumps(document)
again = AmlCompute.deserialize(ws, document)
assert again.serialize() == pickle.loads(pickle.dumps(found)).serialize() == document == found.get()

found.update(max_nodes=8)
assert target.scale_settings.maximum_node_count == 4
assert target.get_status().scale_settings.maximum_node_count == 8
assert target.scale_settings.idle_seconds_before_scaledown == 120
assert "min_nodes" in str(error_of(found.update, min_nodes=9))
smaller = AmlCompute.provisioning_configuration(vm_size="V", max_nodes=2)
changed = ComputeTarget.create(ws, "cpu-cluster", smaller)
assert (changed.vm_size, changed.created_on) == ("V", found.created_on)

assert [one.name for one in ComputeTarget.list(ws)] == list(ws.compute_targets) == ["cpu-cluster"]
assert ws.get_default_compute_target("CPU").name == "cpu-cluster"
assert list(found.get_active_runs()) == found.list_nodes() == []
sizes = found.supported_vmsizes(ws)
assert [size["name"] for size in sizes] == ["local", changed.vm_size] and sizes[1]["vCPUs"] >= 1, sizes

found.delete()
found.wait_for_completion(show_output=True, is_delete_operation=True)
assert ws.compute_targets == {}
for gone in (found.get_status, found.delete, lambda: ComputeTarget(ws, "cpu-cluster")):
    assert type(error_of(gone)) is ComputeTargetException
"""


def test_a_cluster_is_looked_for_made_changed_and_deleted(mlrun: Mlrun) -> None:
    output = drive(
        mlrun,
        CHANGE_CLUSTER,
    )
    assert output == (
        "Succeeded\nAmlCompute wait for completion finished\n"
        "\nMinimum number of nodes requested have been provisioned\n"
    )


def test_an_instance_is_made_started_and_stopped(mlrun: Mlrun) -> None:
    output = drive(
        mlrun,
        """
        from azureml.core.compute import AmlCompute, ComputeInstance, ComputeTarget

        ws = Workspace.create("ws")
        wanted = ComputeInstance.provisioning_configuration(ssh_public_access=False)
        instance = ComputeInstance.create(ws, "my-notebooks", wanted)
        assert type(ComputeTarget(ws, "my-notebooks")) is ComputeInstance
        assert (instance.vm_size, instance.get_status().state) == ("Standard_DS3_V2", "Running")
        instance.stop(wait_for_completion=True, show_output=True)
        assert ComputeInstance(ws, "my-notebooks").status.serialize()["state"] == "Stopped"
        instance.start()
        assert instance.status.state == "Running"
        instance.restart()
        assert instance.vm_size == "Standard_DS3_V2"

        kinds = error_of(AmlCompute, ws, "my-notebooks")
        assert type(kinds) is ComputeTargetException and "ComputeInstance" in str(kinds)
        for configuration in (wanted, AmlCompute.provisioning_configuration(max_nodes=1)):
            taken = error_of(ComputeTarget.create, ws, "my-notebooks", configuration)
            assert type(taken) is ComputeTargetException and "already" in str(taken), taken
        instance.delete(wait_for_completion=True)
        assert ComputeTarget.list(ws) == []
        """,
    )
    assert output == "Stopped\n"


WRONG = {
    "ComputeTarget.create(ws, '../up', cluster)": "letters, digits",
    "ComputeTarget.create(ws, '', cluster)": "letters, digits",
    "ComputeTarget.create(ws, 3, cluster)": "name must be a string, not 3",
    "ComputeTarget.create(ws, 'c', 'STANDARD_D2')": "AmlCompute.provisioning_configuration",
    "ComputeTarget.create(ws, 'c', RemoteCompute.attach_configuration('me'))": "provisioning_configuration",
    "ComputeTarget(ws, None)": "not None",
    "AmlCompute.provisioning_configuration(vm_size='V')": "max_nodes",
    "AmlCompute.provisioning_configuration(vm_size='V', min_nodes=3, max_nodes=2)": "min_nodes is 3",
    "AmlCompute.provisioning_configuration(vm_size='V', max_nodes='many')": "'many'",
    "AmlCompute.provisioning_configuration(vm_size='V', max_nodes=2**31)": "1 to 2147483647, not 2147483648",
    "AmlCompute.provisioning_configuration(vm_size='V', max_nodes=0)": "max_nodes",
    "AmlCompute.provisioning_configuration(vm_size='V', max_nodes=2.5)": "not 2.5",
    "AmlCompute.provisioning_configuration(vm_size='V', max_nodes=True)": "not True",
    "AmlCompute.provisioning_configuration(vm_size='V', min_nodes=-1, max_nodes=1)": "not -1",
    "there.update(max_nodes=10**20)": "not 100000000000000000000",
    "ComputeTarget.create(ws, 'c', changed)": "not 4.5",
    "AmlCompute.list_quotas(ws)": "AmlCompute.list_quotas",
    "there.detach()": "delete()",
}


def test_what_cannot_be_a_target_is_refused_with_what_can(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        f"""
        from azureml.core.compute import AmlCompute, ComputeTarget, RemoteCompute

        ws = Workspace.create("ws")
        cluster = AmlCompute.provisioning_configuration(vm_size="V", max_nodes=1)
        there = ComputeTarget.create(ws, "there", cluster)
        changed = AmlCompute.provisioning_configuration(vm_size="V", max_nodes=1)
        changed.scale_settings.maximum_node_count = 4.5
        for code, words in {WRONG!r}.items():
            error = error_of(eval, code)
            assert type(error) is ComputeTargetException and words in str(error), (code, error)
        assert type(error_of(ComputeTarget, None, "x")) is UserErrorException
        nowhere = Workspace("s", "g", "nowhere", _disable_service_check=True)
        assert type(error_of(ComputeTarget, nowhere, "x")) is WorkspaceException
        assert list(ws.compute_targets) == ["there"]
        """,
    )


def test_targets_that_are_other_machines_can_be_described_and_not_had(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        from azureml.core import compute
        from azureml.core.compute import *

        ws = Workspace.create("ws")
        attached = {
            "AdlaCompute": dict(resource_group="g", account_name="a"),
            "AksCompute": dict(resource_group="g", cluster_name="c"),
            "BatchCompute": dict(resource_group="g", account_name="a"),
            "DatabricksCompute": dict(resource_group="g", workspace_name="w", access_token="hush"),
            "DataFactoryCompute": dict(resource_group="g", factory_name="f"),
            "HDInsightCompute": dict(username="me", address="a", ssh_port=22, password="hush"),
            "KubernetesCompute": dict(resource_id="r", namespace="n"),
            "KustoCompute": dict(workspace_name="w", application_key="hush"),
            "SynapseCompute": dict(linked_service=None, type="SynapseSpark", pool_name="p"),
        }
        made = {
            "AksCompute": dict(agent_count=3, cluster_purpose=AksCompute.ClusterPurpose.DEV_TEST),
            "DataFactoryCompute": dict(location="westeurope"),
            "DsvmCompute": dict(vm_size="V"),
        }
        there = {"AmlCompute", "BatchAiCompute", "ComputeInstance", "ComputeTarget", "RemoteCompute"}
        assert {*there, *attached, *made} == set(compute.__all__)
        for name, named in attached.items():
            configuration = getattr(compute, name).attach_configuration(**named)
            error = error_of(ComputeTarget.attach, ws, "there", configuration)
            for words in ("ComputeTarget.attach", name, "'there'", "AmlCompute"):
                assert type(error) is ComputeTargetException and words in str(error), error
            assert "hush" not in str(error)
        for name, named in made.items():
            configuration = getattr(compute, name).provisioning_configuration(**named)
            error = error_of(ComputeTarget.create, ws, "there", configuration)
            assert type(error) is ComputeTargetException and name in str(error), error
        kubernetes = AksCompute.provisioning_configuration()
        kubernetes.enable_ssl(leaf_domain_label="l")
        assert kubernetes.leaf_domain_label == "l"
        assert "ssh-agent" in str(error_of(RemoteCompute.attach, ws, "there", "me", "a", password="hush"))
        assert "address" in str(error_of(ComputeTarget.attach, ws, "there", RemoteCompute.attach_configuration("me")))

        from azureml.core.compute_target import LocalTarget, is_compute_target_prepared, prepare_compute_target
        assert LocalTarget().name == "local" and is_compute_target_prepared(None, ".", None)
        assert type(error_of(prepare_compute_target, None, ".", None)) is UserErrorException
        assert ws.compute_targets == {}
        """,
    )


def test_targets_are_made_and_found_inside_a_run(mlrun: Mlrun) -> None:
    mlrun("folder", "attach", "-e", "exp")
    mlrun.script("""
        from azureml.core import Run
        from azureml.core.compute import AmlCompute, ComputeTarget
        from azureml.exceptions import ComputeTargetException
        ws = Run.get_context().experiment.workspace
        try:
            ComputeTarget(ws, "cpu")
        except ComputeTargetException as error:
            assert "local" in str(error)
            ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration(vm_size="V", max_nodes=1))
        assert ws.compute_targets["cpu"].vm_size == "V"
    """)
    run = mlrun.ended()
    assert run["status"] == "Completed", mlrun.log(run["run_id"])
    drive(mlrun, "assert list(Workspace.from_config().compute_targets) == ['cpu']")


def test_clusters_that_azure_has_no_class_for_are_found_and_detached(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun("folder", "attach", "-e", "exp")
    place = ("--address", "http://127.0.0.1:1", "--shared-folder", str(tmp_path / "shared"), "--no-check")
    mlrun("computetarget", "attach", "ray", "-n", "ray", *place)
    drive(
        mlrun,
        """
        import pickle
        from azureml.core import ScriptRunConfig
        from azureml.core.compute import AmlCompute, ComputeTarget

        ws = Workspace.from_config()
        cpu = ComputeTarget.create(ws, "cpu", AmlCompute.provisioning_configuration(vm_size="V", max_nodes=1))
        assert list(ws.compute_targets) == ["cpu", "ray"]
        ray = ws.compute_targets["ray"]
        assert (type(ray), ray.type, ray.is_attached, ray.get_status()) == (ComputeTarget, "Ray", True, "Succeeded")
        assert pickle.loads(pickle.dumps(ray)).serialize() == ray.serialize()
        assert ScriptRunConfig(".", compute_target=ray).run_config.target == "ray"
        assert "Ray, not AmlCompute" in str(error_of(AmlCompute, ws, "ray"))
        assert "delete()" in str(error_of(cpu.detach))
        ray.detach()
        assert list(ws.compute_targets) == ["cpu"]
        """,
    )
