"""The pages of the studio, each in a folder with its route, view and template."""
