"""Output of commands: formats, queries, tables, the metadata file of `-t`, and messages on stderr."""
