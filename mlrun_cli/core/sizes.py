"""Formatting of sizes in bytes."""

from __future__ import annotations

MEGABYTE = 1024 * 1024


def format_size(size: int) -> str:
    """Format a size in steps of 1024: `512 bytes`, `1.4 MB`, `300 MB`, `2.0 GB`."""
    if size < 1024:
        return "1 byte" if size == 1 else f"{size} bytes"
    value = float(size)
    for unit in ("KB", "MB", "GB", "TB"):
        value /= 1024
        if value < 1000 or unit == "TB":
            break
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
