"""The configuration of automated machine learning."""

from typing import Any

from azureml._azure_names import AUTOML
from azureml._unsupported import StoredArguments, create_unsupported_error
from azureml.exceptions import UserErrorException

__all__ = ["AutoMLConfig"]


class AutoMLConfig(StoredArguments, takes="task, path=None, **kwargs"):
    """The settings of an AutoML run, stored as attributes and in `user_settings`; submitting it is refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user_settings = dict(kwargs)

    def _create_submit_error(self) -> UserErrorException:
        """Return the error for a submission, for the caller to raise."""
        return create_unsupported_error("Experiment.submit(AutoMLConfig)", AUTOML)
