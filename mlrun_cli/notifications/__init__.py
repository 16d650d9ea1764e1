"""Rules and addresses for notifications about the ends of runs."""
