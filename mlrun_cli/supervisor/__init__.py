"""The program that owns one run from start to end."""
