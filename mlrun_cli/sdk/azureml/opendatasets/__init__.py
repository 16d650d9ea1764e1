"""Azure's open datasets: importable, and refused on use."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import refuse_package

__getattr__ = refuse_package(
    __name__, "Download the files once, and use Dataset.File.from_files or Dataset.Tabular.from_delimited_files on them"
)
