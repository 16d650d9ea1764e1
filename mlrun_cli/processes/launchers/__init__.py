"""Launchers start the processes of a run: a module for each kind of launch, by the kind's name."""
