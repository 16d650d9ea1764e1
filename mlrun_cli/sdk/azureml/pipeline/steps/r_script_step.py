"""Steps that run an R script."""

from typing import Any

from azureml.pipeline.steps.python_script_step import PythonScriptStep

__all__ = ["RScriptStep"]


class RScriptStep(
    PythonScriptStep,
    takes="script_name, name=None, arguments=None, compute_target=None, runconfig=None, "
    "runconfig_pipeline_params=None, inputs=None, outputs=None, params=None, source_directory=None, "
    "use_gpu=False, custom_docker_image=None, cran_packages=None, github_packages=None, "
    "custom_url_packages=None, allow_reuse=True, version=None",
):
    """A step that runs an R script with the machine's Rscript and the R packages installed there."""

    _kind = "RScriptStep"
    runconfig: Any
