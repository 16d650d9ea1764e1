"""Output of commands: formats, queries, tables, the file of `-t`, and messages on stderr."""
