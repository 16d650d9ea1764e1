"""Shell completion: its responses to the shell, suggestions for values, and its installation."""
