"""Tables that describe a run or an experiment in a notebook."""

from html import escape

_BETWEEN = ",\n"


def format_html_table(cells: "dict[str, str]", url: "str | None", url_title: str) -> str:
    """Return an HTML table with a header row, a row of cells, and a link to `url` in the last cell."""
    heads = "".join(f"<th>{escape(name)}</th>" for name in (*cells, url_title))
    link = ""
    if url:
        link = f'<a href="{escape(url)}" target="_blank" rel="noopener">Link to {escape(url_title)}</a>'
    row = "".join(f"<td>{escape(value)}</td>" for value in cells.values())
    return f'<table style="width:100%"><tr>{heads}</tr><tr>{row}<td>{link}</td></tr></table>'


def format_text_table(class_name: str, cells: "dict[str, str]") -> str:
    """Return cells as text, one per line, such as `Run(Experiment: x,` for the first."""
    return f"{class_name}({_BETWEEN.join(f'{key}: {value}' for key, value in cells.items())})"
