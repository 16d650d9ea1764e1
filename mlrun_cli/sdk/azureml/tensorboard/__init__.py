"""TensorBoard over the event files of runs, and event files made of the metrics of runs."""

_MODULES = {"Tensorboard": "tensorboard", "export_to_tensorboard": "export"}
__all__ = ["Tensorboard"]
