"""Programs and modules that processes of version 0.1 start or import after an upgrade; kept until version 0.3."""
