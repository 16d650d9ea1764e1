"""The database: all SQL is here, one file per kind of record."""
