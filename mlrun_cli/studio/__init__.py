"""The studio: web pages over the workspaces of this machine. `python -m mlrun_cli.studio` serves them."""
