"""Programs and modules that processes of version 0.1, alive after an upgrade, start or import; until version 0.3."""
