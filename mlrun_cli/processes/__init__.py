"""Processes, signals, ports, GPUs and inherited attributes of the operating system."""
