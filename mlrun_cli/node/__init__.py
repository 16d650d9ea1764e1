"""The program that an engine starts on a node: a supervisor that writes only to the shared folder of its target."""
