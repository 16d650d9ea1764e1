"""The target kind for another machine, reached by ssh."""
