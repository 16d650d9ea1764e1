"""The program that notifies of the end of a run, in a process of its own: a mail server may take its time."""
