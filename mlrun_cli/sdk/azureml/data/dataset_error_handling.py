"""The errors of datasets."""

from azureml.exceptions import UserErrorException


class DatasetValidationError(UserErrorException):
    """A dataset whose files are not there, or cannot be read."""

    def __init__(self, message: str, exception: "BaseException | None" = None) -> None:
        super().__init__(message, exception)


class DatasetExecutionError(UserErrorException):
    """The files of a dataset could not be read as what they should be."""

    def __init__(self, message: str, exception: "BaseException | None" = None) -> None:
        super().__init__(message, exception)
