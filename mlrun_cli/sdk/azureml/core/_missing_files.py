"""The error for files that do not exist, which scripts catch as Azure's error or as Python's."""

from azureml.exceptions import UserErrorException


class NoSuchFile(UserErrorException, FileNotFoundError):
    """A file or folder does not exist; the class has two bases because Azure raises either, depending on the call."""
