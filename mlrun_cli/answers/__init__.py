"""What `azureml.core` asks, answered by `actions`: one module per noun, one function per question.

Outside a run they are called in the process that asks (`in_process`); inside one by a helper process that the
run's supervisor starts when it is first needed (`__main__`).
"""
