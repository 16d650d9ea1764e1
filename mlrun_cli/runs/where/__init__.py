"""The language of `--where`: conditions on runs, and the names of values in conditions."""
