"""Refuses to be half of a package: imported first by every public subpackage.

A real `azureml` package on `sys.path` extends itself with every other folder of that name, this one included.
Where it has a module of its own that one wins; where it has none it would find ours, and two halves that know
nothing of each other would meet.
"""

import sys

_FOLDER = __file__.rpartition("/")[0]
_PACKAGE = sys.modules["azureml"]

if list(_PACKAGE.__path__) != [_FOLDER]:
    _OTHERS = ", ".join(folder for folder in _PACKAGE.__path__ if folder != _FOLDER)
    raise ImportError(
        f"Two packages named azureml are on sys.path, and they cannot be mixed: mlrun-cli's in {_FOLDER} "
        f"and the one in {_OTHERS}. Uninstall the "
        "azureml-* packages from this environment to use mlrun-cli's, or mlrun-cli to use the other."
    )
