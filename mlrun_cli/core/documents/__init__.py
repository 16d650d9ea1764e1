"""Small documents that people write: YAML and JSON, with the line of every value."""
