"""Charts of metrics: how an address names them, and the numbers that they draw."""
