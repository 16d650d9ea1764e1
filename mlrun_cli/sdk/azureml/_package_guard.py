"""A guard against mixing this package with another `azureml`; every public subpackage imports it first.

A real `azureml` package on `sys.path` extends itself with every other folder of that name, including this one.
Its own modules take precedence, and modules that it lacks would be imported from here, which would combine two
incompatible packages.
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
