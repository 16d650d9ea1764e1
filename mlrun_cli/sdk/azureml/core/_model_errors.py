"""Errors of models with two base classes, named as the class that scripts catch, which tracebacks show."""

import azureml.exceptions


class ModelNotFoundException(azureml.exceptions.ModelNotFoundException, azureml.exceptions.WebserviceException):
    """A model does not exist; Azure raises either of the bases, depending on the call."""


class UserErrorException(azureml.exceptions.UserErrorException, azureml.exceptions.WebserviceException):
    """An argument is invalid; Azure raises WebserviceException."""
