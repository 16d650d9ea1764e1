"""The way from a script to its run: the only part of the SDK that reaches out of the process.

What a script says becomes `lines` of its `journal`; its `questions` go over a socket. `gateway` is the face
that both show to `azureml.core`.
"""
