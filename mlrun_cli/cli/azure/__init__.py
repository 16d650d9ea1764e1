"""Commands that only az has."""
