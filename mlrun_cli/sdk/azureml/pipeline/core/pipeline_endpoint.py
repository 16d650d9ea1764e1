"""Pipelines that are published under a lasting name, registered modules, and drafts."""

from azureml._refused import Refused
from azureml.pipeline._instead import INSTEAD

__all__ = ["Module", "ModuleVersion", "ModuleVersionDescriptor", "PipelineDraft", "PipelineEndpoint"]


class PipelineEndpoint(metaclass=Refused, instead=INSTEAD):
    """The lasting address of a pipeline."""


class PipelineDraft(metaclass=Refused, instead=INSTEAD):
    """A pipeline that is being made."""


class Module(metaclass=Refused, instead=INSTEAD):
    """A step that others can use."""


class ModuleVersion(metaclass=Refused, instead=INSTEAD):
    """A version of a module."""


class ModuleVersionDescriptor(metaclass=Refused, instead=INSTEAD):
    """The description of a module's version."""
