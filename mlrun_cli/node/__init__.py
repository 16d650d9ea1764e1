"""The program that an engine starts on a node: a supervisor that only writes to the shared folder of its target."""
