"""Compute targets, which determine where supervisors are started; one module for each kind."""
