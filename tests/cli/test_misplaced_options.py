"""Options of mlrun behind the name of a script, which gets them as its arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.cli.run.misplaced_options import describe_options_after_script

OWN = """
parser.add_argument('--output')
parser.add_argument("-o", choices=["json"])
def main(dry_run: bool): pass
"""


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("train.py --lr 0.1 -o none", "-o"),
        ("train.py --lr 0.1 -o=tsv --query id --async", "-o, --query, --async"),
        ("train.py -o model.pkl --output out --target y -e 3 --debug", None),
        ("train.py -o", None),
        ("train.py --output json --output-metadata-file=x", "--output, --output-metadata-file"),
        ("own.py -o json --output json --dry-run", None),
        ("own.py --query id", "--query"),
        ("missing.py --async", "--async"),
        ("--query train.py", None),
        ("--command python -m train -o json", "-o"),
        ("--command bash train.py -o json", "-o"),
        ("--command bash own.py -o json", None),
        ("--command kubectl get pods -o json", None),
        ("--command data -o json", None),
        ("train.py", None),
    ],
)
def test_options_that_the_script_does_not_know_are_named(tmp_path: Path, line: str, named: str | None) -> None:
    (tmp_path / "train.py").write_text("print('query', 'async')", encoding="utf-8")
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "data").mkdir()
    words = line.split()
    is_command = words[0] == "--command"
    note = describe_options_after_script(words[is_command:], tmp_path, is_command=is_command)
    assert (note is None) == (named is None)
    assert f"also {named}." in (note or f"also {named}.")
    assert ("before --command" in (note or "")) == (is_command and note is not None)
