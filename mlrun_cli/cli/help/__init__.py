"""Help: pages of commands, and topics, whose texts are `mlrun_cli/docs/<topic>.md`."""
