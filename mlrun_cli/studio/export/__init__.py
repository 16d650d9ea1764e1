"""The export of runs as a self-contained HTML page without scripts."""
