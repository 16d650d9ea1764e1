"""Names in the records of a sweep and its runs."""

TERMINATION_PROPERTY = "termination_reason"
"""The property of a run that a policy has ended early; its value says why."""
