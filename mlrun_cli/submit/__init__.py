"""From a request to a started run: resolve, keep the source, write the run, start it."""
