"""Basics that every package may use: names, times, sizes, documents, redaction and atomic files."""
