"""Previews of Azure ML: importable, and refused on use."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import EXPLAIN_INSTEAD, refuse_package

for _part in ("explain", "interpret"):
    refuse_package(f"{__name__}.{_part}", EXPLAIN_INSTEAD)

__getattr__ = refuse_package(
    __name__, "What it does is to be done by other packages; its results can be kept with run.log and run.upload_file"
)
