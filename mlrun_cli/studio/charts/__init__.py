"""Charts of metrics: their representation in URLs, and their data."""
