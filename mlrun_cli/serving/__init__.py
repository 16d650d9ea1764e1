"""The studio from the point of view of other packages: its options, URLs and state folder."""
