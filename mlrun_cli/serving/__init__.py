"""The studio as the rest of the package knows it: its options, URLs and state folder."""
