"""Run configurations: their files, keys and values."""
