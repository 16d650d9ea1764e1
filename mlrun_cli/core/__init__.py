"""What every noun may use: names, times, sizes, documents, redaction and whole files."""
