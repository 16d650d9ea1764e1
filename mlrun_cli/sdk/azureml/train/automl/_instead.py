"""What to do instead of automated machine learning."""

from __future__ import annotations

INSTEAD = (
    "Train in a script of your own, and submit it with ScriptRunConfig; to try several models, submit one run for each"
)
