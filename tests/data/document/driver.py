"""Starts, watches, tags, finds, cancels and nests runs: the Python of Azure's page on run history, from top to bottom.

Added are only a cluster for the children, the run that is tagged, and prints of what the page leaves to be looked at.
"""

import azureml.core
from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget

print("# Start")
print(azureml.core.VERSION)

ws = Workspace.from_config()
exp = Experiment(workspace=ws, name="explore-runs")

notebook_run = exp.start_logging()
notebook_run.log(name="message", value="Hello from run!")

print("# Monitor")
print(notebook_run.get_status())
print(notebook_run.get_details())

notebook_run.complete()
print(notebook_run.get_status())

with exp.start_logging() as notebook_run:
    notebook_run.log(name="message", value="Hello from run!")
    print("Is it still running?", notebook_run.get_status())

print("Has it completed?", notebook_run.get_status())

src = ScriptRunConfig(source_directory=".", script="hello.py")
local_run = exp.submit(src)
local_run.wait_for_completion(show_output=True)
print(local_run.get_status())
print(next(exp.get_runs()) == local_run)

print("# Tag and find")
local_run.add_properties({"author": "azureml-user"})
print(local_run.get_properties()["author"])

try:
    local_run.add_properties({"author": "different-user"})
except Exception as e:
    print(e)

local_run.tag("quality", "great run")
print(local_run.get_tags())

local_run.tag("quality", "fantastic run")
print(local_run.get_tags())

local_run.tag("worth another look")
print(local_run.get_tags())

found = list(exp.get_runs(properties={"author": "azureml-user"}, tags={"quality": "fantastic run"}))
print(found == [local_run])
found = list(exp.get_runs(properties={"author": "azureml-user"}, tags="worth another look"))
print(found == [local_run])
print(list(exp.get_runs(properties={"author": "different-user"})))
print(list(exp.get_runs(tags={"quality": "great run"})))

local_run.display_name = "the first of many"
local_run.description = "Says *hello*, and how that went."
again = Run.get(ws, local_run.id)
print(again.display_name, "-", again.description)
print(again.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"])
print(again)

print("# Cancel or fail")
src = ScriptRunConfig(source_directory=".", script="hello_with_delay.py")
local_run = exp.submit(src)
print("Did the run start?", local_run.get_status())

local_run.cancel()
print("Did the run cancel?", local_run.get_status())

local_run = exp.submit(src)
local_run.fail()
print(local_run.get_status())

print("# Nest")
src = ScriptRunConfig(source_directory=".", script="hello_with_children.py")

local_run = exp.submit(src)
local_run.wait_for_completion(show_output=True)
print(local_run.get_status())

with exp.start_logging() as parent_run:
    for c, count in enumerate(range(5)):  # noqa: B007 - as on the page
        with parent_run.child_run() as child:
            child.log(name="Hello from child run", value=c)

print(parent_run.get_children())
for run in (local_run, parent_run):
    print([(child.get_status(), child.get_metrics()) for child in run.get_children()])

wanted = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", max_nodes=4)
ComputeTarget.create(ws, "gpu-cluster", wanted).wait_for_completion()
parent_run = exp.submit(ScriptRunConfig(source_directory=".", script="parent.py"))
parent_run.wait_for_completion()
print(parent_run.get_status())
for child in reversed(list(parent_run.get_children())):
    details = child.get_details_with_logs()
    print(details["status"], details["target"], details["logFiles"]["user_logs/std_log.txt"].rstrip())
metrics = parent_run.get_metrics()
print(metrics["Status"])
print(sorted(metrics["MyMetric"]) == sorted(f"Data from child run {child.id}" for child in parent_run.get_children()))
