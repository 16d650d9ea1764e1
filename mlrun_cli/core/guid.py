"""GUIDs in Azure's format, without importing `uuid`."""

from __future__ import annotations

import os
import re

from mlrun_cli.errors import InvalidName

_GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def normalize_guid(text: str) -> str:
    """Validate a GUID and return it in lowercase.

    Raises:
        UsageError: it is not a GUID.
    """
    if re.fullmatch(_GUID, text, re.IGNORECASE) is None:
        raise InvalidName(
            f"'{text}' is not an id of Azure.",
            hint="Use an id such as a13a4034-02d1-40bd-8107-b5d591a464b7.",
            target=text,
        )
    return text.lower()


def generate_guid() -> str:
    """Return a random GUID (version 4) in its usual text form."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    return format_guid(digits.hex())


def format_guid(hex_digits: str) -> str:
    """Return 32 hexadecimal digits in the form of a GUID."""
    return f"{hex_digits[:8]}-{hex_digits[8:12]}-{hex_digits[12:16]}-{hex_digits[16:20]}-{hex_digits[20:]}"
