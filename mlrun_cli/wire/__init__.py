"""Code shared by the command-line tool and the `azureml` package of scripts.

Standard library only, in the syntax of Python 3.6; no module here imports another of this program. The SDK has these
modules as `azureml._wire`: links in a checkout, files in a wheel and in the copy that scripts get.
"""
