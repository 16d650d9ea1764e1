"""The in-process server under the name that notebooks with `azureml` of version 0.1 use; kept until version 0.3."""

from mlrun_cli.rpc.in_process import InProcessServer


class InProcessDesk(InProcessServer):
    """The in-process server with the class and method names of version 0.1."""

    after_fork = InProcessServer.after_fork_in_parent
    answer = InProcessServer.handle
    forget = InProcessServer.reset_after_fork
    session_folder = InProcessServer.open_session_folder
    workspace_folder = InProcessServer.get_workspace_folder
