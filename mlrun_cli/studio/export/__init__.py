"""Runs as one self-contained HTML page, without scripts, to keep or to mail."""
