"""The user agent that libraries based on Azure's SDK extend, which is never sent."""

from typing import List

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's

_PRODUCTS: "List[str]" = []


def append(
    product_name: str,
    product_version: "str | None" = None,
    comment: "str | None" = None,  # noqa: ARG001 - Azure's signature
) -> None:
    """Add a product to the user agent, which is never sent."""
    _PRODUCTS.append(product_name if product_version is None else f"{product_name}/{product_version}")


def get_user_agent() -> str:
    """Return the products in the user agent, separated by spaces."""
    return " ".join(_PRODUCTS)
