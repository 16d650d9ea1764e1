"""Lines that only az has."""
