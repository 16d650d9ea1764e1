"""The studio as seen by the rest of the package: its options, URLs and state folder."""
