"""Container images that serve models: their configurations can be written."""

from azureml.core.image.image import Image, ImageConfig

__all__ = ["ContainerImage", "ContainerImageConfig"]


class ContainerImageConfig(
    ImageConfig,
    takes="execution_script, runtime, conda_file=None, docker_file=None, schema_file=None, dependencies=None, "
    "enable_gpu=None, tags=None, properties=None, description=None, base_image=None, base_image_registry=None, "
    "cuda_version=None",
):
    """The content of a container image."""


class ContainerImage(Image):
    """A container image with a model in it; there are none."""

    image_configuration = ContainerImageConfig
