"""Runs as one page that stands alone: a file to keep or to mail, without scripts and without a studio."""
