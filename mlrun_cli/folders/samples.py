"""Sample files of a newly attached folder: two runconfigs, conda dependencies and ignore rules."""

from __future__ import annotations

from pathlib import Path

AMLIGNORE_NAME = ".amlignore"
GITIGNORE_NAME = ".gitignore"

_LOCAL = """\
# How to run a script with the Python that you have:
#   mlrun run submit-script -c local train.py

# What is run when the command line names no script, and its arguments.
script: train.py
arguments: []

# The compute target. local is this machine.
target: local
framework: Python

environment:
  # Variables that the script sees.
  environmentVariables: {}
  python:
    # true: packages are yours to install; the interpreter is used as it is.
    userManagedDependencies: true
    # Found on PATH, or a path such as venv/bin/python.
    interpreterPath: python
"""

_SKLEARN = """\
# How to run a script in an environment that is made for it:
#   mlrun run submit-script -c sklearn train.py

# What is run when the command line names no script, and its arguments.
script: train.py
arguments: []

# The compute target. local is this machine.
target: local
framework: Python

environment:
  # Variables that the script sees.
  environmentVariables: {{}}
  python:
    # false: the packages in the file below are installed, once, and kept for the next run.
    userManagedDependencies: false
    condaDependenciesFile: {folder}/conda_dependencies.yml
"""

CONDA_DEPENDENCIES = """\
# The packages that sklearn.runconfig asks for.
# A version is pinned as in scikit-learn=1.5, Python itself as in python=3.11.
name: project_environment
dependencies:
- scikit-learn
# Packages that are on PyPI only:
# - pip:
#   - some-package==1.0
"""

_AMLIGNORE = """\
# What runs do not get: their folder is a copy of this one without it. Remove a line if scripts need what it names.
.ipynb_checkpoints
azureml-logs
.azureml
.git
/outputs/
/logs/
azureml-setup
"""

_FROM_GITIGNORE = """
# The lines of .gitignore, which does not count beside this file.
"""


def render_samples(folder: Path, configuration_folder: Path, gitignore: str | None = None) -> dict[Path, str]:
    """Return the contents of the sample files of an attached folder, keyed by path.

    Args:
        folder: the attached folder.
        configuration_folder: `.azureml` or `aml_config` in it.
        gitignore: the text of its `.gitignore`, if any, which `.amlignore` continues: snapshots read only one of them.
    """
    sklearn = _SKLEARN.format(folder=configuration_folder.name)
    return {
        configuration_folder / "local.runconfig": _LOCAL,
        configuration_folder / "sklearn.runconfig": sklearn,
        configuration_folder / "conda_dependencies.yml": CONDA_DEPENDENCIES,
        folder / AMLIGNORE_NAME: _AMLIGNORE if gitignore is None else f"{_AMLIGNORE}{_FROM_GITIGNORE}{gitignore}",
    }
