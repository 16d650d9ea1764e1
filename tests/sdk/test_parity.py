"""The package has Azure's names, with Azure's parameters, but for what `differences.txt` lists.

`signatures.txt` is what `DESCRIBE` printed of azureml-core 1.61, and of azureml-pipeline-core, azureml-pipeline-steps
and azureml-train-core 1.62: public names, without the methods by which steps build Azure's graph.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

SDK = Path(__file__).parents[2] / "mlrun_cli" / "sdk"
FACTS = Path(__file__).parents[1] / "data" / "sdk"

DESCRIBE = """
import inspect, re, sys
from importlib import import_module

def attributes(owner):
    sources = [inspect.getsource(one) for one in owner.__mro__ if one.__module__.startswith("azureml.")]
    stored = getattr(owner, "__signature__", inspect.Signature()).parameters
    return {*re.findall(r"self[.]([a-z]\\w*) = ", "".join(sources)), *stored}

def described(owner, name):
    if name == "__init__":
        return f"__init__{inspect.Signature([SELF, *bare(inspect.signature(owner))])}"
    kept = inspect.getattr_static(owner, name)
    if isinstance(kept, property):
        return name + (" (property, settable)" if kept.fset else " (property)")
    kind = {staticmethod: "static ", classmethod: "class "}.get(type(kept), "")
    return f"{kind}{name}{inspect.Signature(bare(inspect.signature(getattr(owner, name) if kind else kept)))}"

def bare(signature):
    return [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]

SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)

for line in sys.stdin:
    module, _, of_class = line.strip().rpartition(".")
    print("##", line.strip())
    owner = getattr(import_module(module), of_class)
    names = set(dir(owner)) - set(dir(object)) | {"__init__"}
    for name in sorted(names):
        value = inspect.getattr_static(owner, name)
        if isinstance(value, property) or callable(getattr(owner, name)):
            print(" ", described(owner, name))
    for name in sorted(attributes(owner) - names):
        print(" ", name, "(attribute)")
"""


def test_every_name_of_azure_has_its_parameters_and_differences_are_listed() -> None:
    azure = _signatures((FACTS / "signatures.txt").read_text(encoding="utf-8"))
    ours = _described(azure)
    found = {
        f"{owner}.{name}"
        for owner, signatures in azure.items()
        for name, signature in signatures.items()
        if not _agrees(ours[owner].get(name), signature)
    }
    listed = dict(line.split(": ", 1) for line in (FACTS / "differences.txt").read_text(encoding="utf-8").splitlines())
    told = [
        f"{name}\n  Azure {azure[owner][short]}\n  ours  {ours[owner].get(short, '-')}"
        for name in sorted(found - set(listed))
        for owner, _, short in [name.rpartition(".")]
    ]
    assert not told, "\n".join(["These differ and are not listed:", *told])
    assert set(listed) <= found, f"These are listed and do not differ: {sorted(set(listed) - found)}"


def test_a_stand_in_for_a_run_has_no_name_by_which_scripts_could_take_it_for_a_run() -> None:
    owner = "azureml.core.run._OfflineRun"
    azure = _signatures((FACTS / "signatures.txt").read_text(encoding="utf-8"))[owner]
    public = {name for name in _described([owner])[owner] if not name.startswith("_") or name.startswith("__")}
    assert public == set(azure)


def _agrees(ours: str | None, azure: str) -> bool:
    """Whether a signature is Azure's; an attribute of the instances is as good as a property."""
    return ours is not None and (
        ours == azure or azure.partition(", ")[0].rstrip(")") + ")" == ours.replace("(attribute", "(property")
    )


def _described(owners: Iterable[str]) -> dict[str, dict[str, str]]:
    """Our signatures of these classes, in an interpreter that has the SDK alone."""
    text = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SDK)!r})\n{DESCRIBE}"],
        input="\n".join(owners),
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    return _signatures(text)


def _signatures(text: str) -> dict[str, dict[str, str]]:
    """By class and name the lines of a list of signatures."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line.startswith("## "):
            of_class = found[line.removeprefix("## ")] = {}
        else:
            signature = line.strip()
            bare = signature.removeprefix("static ").removeprefix("class ")
            of_class[bare.partition("(")[0].strip()] = signature
    return found
