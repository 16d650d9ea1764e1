"""Frozen values and enums, without input or output."""
