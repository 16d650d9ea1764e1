"""The client of a run and its workspace, the only part of the SDK that communicates beyond the process.

Logged values and tags are written to a `journal`; requests go over a socket (`rpc_client`) or, outside a
run, to the program in this process (`in_process`). `client` selects one of them for `azureml.core`.
"""
