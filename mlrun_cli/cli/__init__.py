"""Commands of the program: the only package that parses command lines, prints results and sets exit codes."""
