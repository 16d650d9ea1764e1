"""Code that the tool and a script's `azureml` share.

Standard library only, in the syntax of Python 3.6; no module here imports another of this program. The SDK has these
modules as `azureml._wire`: links in a checkout, files in a wheel and in the copy that scripts get.
"""
