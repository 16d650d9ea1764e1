"""Launchers of the processes of a run, with a module for each kind of launch."""
