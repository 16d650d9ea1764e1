"""The SQLite dialect: a file, any number of processes, no server."""
