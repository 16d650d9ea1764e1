"""The supervisor, a program that manages one run from start to end."""
