"""TensorBoard for the event files of runs, and the export of metrics to event files."""

_MODULES = {"Tensorboard": "tensorboard", "export_to_tensorboard": "export"}
__all__ = ["Tensorboard"]
