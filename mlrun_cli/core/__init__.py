"""Basics that every noun may use: names, times, sizes, documents, redaction and atomic files."""
