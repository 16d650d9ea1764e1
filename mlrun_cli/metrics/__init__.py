"""Metrics: logged values, comparisons with them, and the journals that scripts write."""
