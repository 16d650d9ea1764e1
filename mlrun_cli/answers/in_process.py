"""The name by which notebooks that loaded `azureml` of version 0.1 before an upgrade import it; until version 0.3."""

from mlrun_cli.rpc.in_process import InProcessDesk  # noqa: F401
