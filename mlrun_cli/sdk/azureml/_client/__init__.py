"""The client of a run and its workspace: the only part of the SDK that reaches out of the process.

What a script logs and tags becomes lines of its `journal`; requests go over a socket (`rpc_client`) or, outside a
run, to the program in this process (`in_process`). `client` gives `azureml.core` the one or the other.
"""
