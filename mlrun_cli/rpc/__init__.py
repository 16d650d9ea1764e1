"""Remote procedure calls of scripts: the protocol, the request handlers, and the two servers that call them.

Outside a run, requests are handled in the process that makes them (`in_process`). Inside one, the run's supervisor
handles what reads the run itself, and a worker process that it starts when first needed handles the rest (`worker`).
"""
