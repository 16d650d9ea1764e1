"""The operations on a workspace that commands, scripts and the studio share, one function for each."""
