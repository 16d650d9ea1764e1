"""Launch and track training runs from a shell: `az ml run` without Azure."""

__version__ = "0.2.0"
