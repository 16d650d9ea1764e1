"""The name by which notebooks that loaded `azureml` of version 0.1 before an upgrade import it; until version 0.3."""

from mlrun_cli.rpc.in_process import InProcessServer


class InProcessDesk(InProcessServer):
    """The server under the names that version 0.1 gave it and its methods."""

    answer = InProcessServer.handle
    forget = InProcessServer.reset_after_fork
