"""What to do instead of a pipeline."""

INSTEAD = (
    "Run its scripts one after another from a driver script: experiment.submit(ScriptRunConfig(…)) for each step, then "
    "wait_for_completion(); or, to keep them under one run, submit the driver and call run.submit_child(…) in it"
)
