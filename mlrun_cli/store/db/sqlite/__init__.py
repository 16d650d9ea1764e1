"""The SQLite dialect, which uses a single file and no server."""
