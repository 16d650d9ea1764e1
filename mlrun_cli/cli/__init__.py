"""The commands: the only place that parses words, prints and exits."""
