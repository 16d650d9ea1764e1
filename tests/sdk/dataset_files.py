"""Files for datasets, and code that makes datasets of them."""

from __future__ import annotations

from tests.running import Mlrun
from tests.sdk.driving import drive

FILES = """
import os
from azureml.core import Dataset, Datastore

def write(name, text):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "w") as file:
        file.write(text)

ws = Workspace.from_config()
write("data/a.csv", "x,y\\n1,007\\n2,\\n")
write("data/b.txt", "b")
write("data/sub/c.csv", "x,y\\n3,p\\n")
"""


def drive_with_files(mlrun: Mlrun, code: str, *arguments: str) -> str:
    lines = code.splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return drive(mlrun, FILES + "\n".join(line[indent:] for line in lines), *arguments)
