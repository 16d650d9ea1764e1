"""The program on a machine reached by ssh: its queue of jobs, and what it sends of their files."""
