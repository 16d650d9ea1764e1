"""A program that supervisors of version 0.1 start if they outlive an upgrade; kept until version 0.3."""
