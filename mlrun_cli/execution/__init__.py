"""A program that supervisors of version 0.1, alive after an upgrade, start; until version 0.3."""
