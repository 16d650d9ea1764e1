"""Shell completion: answers to the shell, suggestions for values, and its installation."""
