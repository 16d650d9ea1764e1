"""The errors of datasets."""

from azureml.exceptions import UserErrorException


class DatasetValidationError(UserErrorException):
    """A path of a dataset matches no file or cannot be read."""

    def __init__(self, message: str, exception: "BaseException | None" = None) -> None:
        super().__init__(message, exception)


class DatasetExecutionError(UserErrorException):
    """The files of a dataset have invalid content or lack a required column."""

    def __init__(self, message: str, exception: "BaseException | None" = None) -> None:
        super().__init__(message, exception)
