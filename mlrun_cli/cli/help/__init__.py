"""Help pages of commands, and help topics with texts in `mlrun_cli/docs/<topic>.md`."""
