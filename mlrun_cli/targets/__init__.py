"""Compute targets, which determine where supervisors are started; one folder or module for each kind."""
