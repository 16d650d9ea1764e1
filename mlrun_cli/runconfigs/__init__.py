"""Run configurations: files, keys and values."""
