"""Saved views of the studio's pages."""
