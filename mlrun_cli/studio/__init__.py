"""The studio: web pages for the workspaces of this machine, served by `python -m mlrun_cli.studio`."""
