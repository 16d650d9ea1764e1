"""A sweep's Sweep tab."""
