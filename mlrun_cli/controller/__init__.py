"""The process that starts, follows and ends the child runs of a run that has no script of its own."""
