"""The words of the program's errors for those who do not type its options: notebooks, driver scripts, scripts."""

_OPTIONS = (
    (r"'?--environment ([\w:.-]*\w)'?", r'os.environ["MLRUN_ENVIRONMENT"] = "\1"'),
    (r"'?--source-directory\b'?", "source_directory="),
    (r"--overwrite\b(?! true)", "overwrite=True"),
)


def in_python(text: str) -> str:
    """The same text with what Python says in the place of options of the command."""
    if "--" not in text:
        return text
    import re

    for option, words in _OPTIONS:
        text = re.sub(option, words, text)
    return text
