"""Frozen values and enums, without input or output.

What every command imports is a NamedTuple: a dataclass costs each start of the program about a millisecond.
"""
