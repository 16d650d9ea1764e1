"""Container images that serve models, for which configurations can be created."""

from azureml.core.image.image import Image, ImageConfig

__all__ = ["ContainerImage", "ContainerImageConfig"]


class ContainerImageConfig(
    ImageConfig,
    takes="execution_script, runtime, conda_file=None, docker_file=None, schema_file=None, dependencies=None, "
    "enable_gpu=None, tags=None, properties=None, description=None, base_image=None, base_image_registry=None, "
    "cuda_version=None",
):
    """The configuration of a container image."""


class ContainerImage(Image):
    """A container image that serves a model; none exist here."""

    image_configuration = ContainerImageConfig
