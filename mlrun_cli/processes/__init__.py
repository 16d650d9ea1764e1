"""The operating system: processes, signals, ports, GPUs and what a process inherits."""
