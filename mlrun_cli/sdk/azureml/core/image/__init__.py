"""Container images that serve models, whose classes can be imported but not used."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.core.image.container import ContainerImage
from azureml.core.image.image import Image

__all__ = ["ContainerImage", "Image"]
