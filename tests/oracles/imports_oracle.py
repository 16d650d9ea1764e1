"""Reads the `azureml` packages in the given folders without importing them, and prints their modules and names.

A line per module of Azure's: the module, a colon, and the public names that it defines, in alphabetical order. Below
it, indented, the names that it has from others, a line for each module that defines some. Of what is private the
outermost module is listed, without names. By any Python it makes `tests/data/sdk/imports.txt` anew:

    pip install --no-deps --no-compile --target new azureml-core azureml-train-core azureml-pipeline-core \\
        azureml-pipeline-steps azureml-widgets azureml-train azureml-mlflow azureml-tensorboard azureml-dataprep \\
        azureml-interpret azureml-telemetry
    pip install --no-deps --no-compile --target old azureml-core==1.0.2 azureml-train-core==1.0.2 …
    python tests/oracles/imports_oracle.py new old … > tests/data/sdk/imports.txt
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

Names = dict[str, "str | None"]
"""By name the module that it is imported from, None for one that the module defines itself."""


def main(folders: list[str]) -> None:
    """Print the facts of all packages together."""
    facts: dict[str, Names] = {}
    for folder in folders:
        of_folder = modules(Path(folder) / "azureml")
        for module, names in of_folder.items():
            private = _private_part(module)
            if private is not None:
                facts.setdefault(private, {})
                continue
            found = facts.setdefault(module, {})
            for name, origin in names.items():
                defined_in = _definer(of_folder, origin, name) if origin else None
                found.setdefault(name, defined_in)
    for module, names in sorted(facts.items()):
        print(f"{module}:", *sorted(name for name, origin in names.items() if origin in (None, module)))
        for origin in sorted({origin for origin in names.values() if origin not in (None, module)}):
            print(f"  {origin}:", *sorted(name for name in names if names[name] == origin))


def modules(package: Path) -> dict[str, Names]:
    """Return the names of every module of a package, except those of vendored copies."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = list(file.relative_to(package.parent).with_suffix("").parts)
        if "_vendor" in parts or "_restclients" in parts[1:] or "models" in parts[:-1]:
            continue
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        found[module] = dict(_names(_parsed(file).body, module, is_package))
    return found


def _parsed(file: Path) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old files have escapes that mean nothing
        return ast.parse(file.read_text("utf-8", "replace"))


def _names(body: list[ast.stmt], module: str, is_package: bool) -> Iterator[tuple[str, str | None]]:
    """Return the public names that a module's statements bind, and the `azureml` modules they come from."""
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield from _public([node.name], None)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from _public([one.id for target in targets for one in _stored(target)], None)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, module, is_package)
            if origin.startswith("azureml."):
                yield from _public([alias.name for alias in node.names if not alias.asname], origin)
        elif isinstance(node, (ast.If, ast.Try)):
            handled = [statement for handler in getattr(node, "handlers", []) for statement in handler.body]
            yield from _names([*node.body, *node.orelse, *handled], module, is_package)


def _stored(target: ast.expr) -> Iterator[ast.Name]:
    return (one for one in ast.walk(target) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))


def _public(names: list[str], origin: str | None) -> Iterator[tuple[str, str | None]]:
    return ((name, origin) for name in names if not name.startswith("_") and name != "*")


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    above = node.level - is_package
    base = module.split(".")[: len(module.split(".")) - above]
    return ".".join([*base, *(node.module or "").split(".")]).rstrip(".")


def _definer(of_folder: dict[str, Names], module: str, name: str) -> str:
    """The module that defines a name which another module has from `module`; for a submodule its package."""
    seen = set()
    while module not in seen:
        seen.add(module)
        origin = of_folder.get(module, {}).get(name)
        if origin is None:
            break
        module = origin
    return module


def _private_part(module: str) -> str | None:
    """Return the outermost private module that contains a module or is it, or None for a public module."""
    parts = module.split(".")
    private = (position for position, part in enumerate(parts, 1) if part.startswith("_"))
    return next((".".join(parts[:position]) for position in private), None)


if __name__ == "__main__":
    main(sys.argv[1:])
