"""`azureml.core` without Azure: what a script written for Azure ML v1 finds inside a run, and outside.

Standard library only, CPython 3.8 and later. Nothing here imports the rest of the program: `_gateway` reaches
the run.
"""
