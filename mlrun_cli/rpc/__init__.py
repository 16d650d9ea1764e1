"""What a script asks of its run and workspace: dispatch, and a module of handlers per noun.

Outside a run requests are handled in the process that makes them (`in_process`); inside one by a worker process that
the run's supervisor starts when it is first needed (`worker`).
"""
