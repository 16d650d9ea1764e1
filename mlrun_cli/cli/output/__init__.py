"""Results and messages as text: formats, queries, tables, the file of `-t`, and what goes to stderr."""
