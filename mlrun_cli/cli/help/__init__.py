"""Help pages of commands, and help topics, whose texts are `mlrun_cli/docs/<topic>.md`."""
