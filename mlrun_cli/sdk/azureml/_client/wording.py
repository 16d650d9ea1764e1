"""Translation of command-line error texts for scripts and notebooks."""

_OPTIONS = (
    (r"'?--environment ([\w:.-]*\w)'?", r'os.environ["MLRUN_ENVIRONMENT"] = "\1"'),
    (r"'?--source-directory\b'?", "source_directory="),
    (r"--overwrite\b(?! true)", "overwrite=True"),
)


def translate_options(text: str) -> str:
    """Return an error text with command-line options replaced with the corresponding SDK arguments."""
    if "--" not in text:
        return text
    import re

    for option, words in _OPTIONS:
        text = re.sub(option, words, text)
    return text
