# This script controls the launching of child scripts
from azureml.core import Run, ScriptRunConfig

run = Run.get_context()
ws = run.experiment.workspace
compute_target = ws.compute_targets["gpu-cluster"]

child_args = ["Apple", "Banana", "Orange"]
for arg in child_args:
    run.log("Status", f"Launching {arg}")
    child_config = ScriptRunConfig(
        source_directory=".", script="child.py", arguments=["--fruit", arg], compute_target=compute_target
    )
    # Starts the run asynchronously
    run.submit_child(child_config)

for child in run.get_children():
    child.wait_for_completion()
