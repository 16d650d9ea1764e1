"""The display, listing, comparison and download of run files."""
