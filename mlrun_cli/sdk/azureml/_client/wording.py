"""Error texts of the command in Python's words, for scripts and notebooks."""

_OPTIONS = (
    (r"'?--environment ([\w:.-]*\w)'?", r'os.environ["MLRUN_ENVIRONMENT"] = "\1"'),
    (r"'?--source-directory\b'?", "source_directory="),
    (r"--overwrite\b(?! true)", "overwrite=True"),
)


def translate_options(text: str) -> str:
    """Replace the command's options in a text by the SDK's equivalents."""
    if "--" not in text:
        return text
    import re

    for option, words in _OPTIONS:
        text = re.sub(option, words, text)
    return text
