"""The pages: a folder for each, with its route, view and template."""
