"""The types of the runs of pipelines and of their steps, as in Azure."""

from __future__ import annotations

PIPELINE_RUN = "azureml.PipelineRun"
STEP_RUN = "azureml.StepRun"
PIPELINE_ID_PROPERTY = "azureml.pipelineid"
"""The property of a run of a published pipeline that has the id of this pipeline."""
PARAMETERS_PROPERTY = "azureml.parameters"
"""The property of a pipeline's run that has the values of its parameters as text, keyed by name."""
CONTINUES_PROPERTY = "azureml.continue_on_step_failure"
"""The property of a pipeline's run that says whether steps that do not need a failed one went on: True or False."""
REUSED_PROPERTY = "azureml.reusedrunid"
"""The property of a step's run that has the id of the run whose results stand for its own."""
PIPELINE_RUN_PROPERTY = "azureml.pipelinerunid"
"""The property of a step's run that has the id of the pipeline's run."""
NODE_PROPERTY = "azureml.nodeid"
"""The property of a step's run that has the key of the step."""
