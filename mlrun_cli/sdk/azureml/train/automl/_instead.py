"""What to do instead of automated machine learning."""

INSTEAD = (
    "Train in a script of your own, and submit it with ScriptRunConfig; to try several models, submit one run for each"
)
