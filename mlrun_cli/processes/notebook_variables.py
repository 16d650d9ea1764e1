"""Removal of environment variables that notebook kernels and terminals set for themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A kernel's own figures, which need its packages; `module://` of a user's own stays outside of kernels.
_INLINE = r"module://(matplotlib_inline|ipykernel|ipympl|google\.colab)\b"

# What is only there in a kernel, or in a terminal of Jupyter's.
_OF_KERNEL, _OF_TERMINAL = "JPY_", "PYXTERM_"
"""Beginnings of their names."""
_OTHERS_OF_KERNEL = frozenset({"KERNEL_LAUNCH_TIMEOUT"})
_OTHERS_OF_TERMINAL = frozenset({"JUPYTER_SERVER_ROOT", "JUPYTER_SERVER_URL"})

# What a kernel sets whatever it was; another value is the user's own.
_VALUES_OF_KERNEL = {
    "CLICOLOR": "1",
    "CLICOLOR_FORCE": "1",
    "FORCE_COLOR": "1",
    "GIT_PAGER": "cat",
    "PAGER": "cat",
    "PYDEVD_USE_FRAME_EVAL": "NO",
    "TERM": "xterm-color",
}
_SIZE_OF_TERMINAL = ("COLUMNS", "LINES")


def remove_notebook_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return a submitter's variables without those that a notebook's kernel or terminal sets only for itself.

    They do not apply to a run, which shows no inline figures, writes to files, and may outlive the notebook.
    """
    backend = environ.get("MPLBACKEND", "")
    is_inline = backend.startswith("module://") and re.match(_INLINE, backend) is not None
    is_kernel = is_inline or any(map(_is_kernel_variable, environ))
    is_terminal = any(name.startswith(_OF_TERMINAL) for name in environ)

    def is_set_by_notebook(name: str, value: str) -> bool:
        if _is_kernel_variable(name) or name.startswith(_OF_TERMINAL) or name in _OTHERS_OF_TERMINAL:
            return True
        if name == "MPLBACKEND":
            return is_inline or (is_kernel and value.startswith("module://"))
        return (is_kernel and _VALUES_OF_KERNEL.get(name) == value) or (is_terminal and name in _SIZE_OF_TERMINAL)

    return {name: value for name, value in environ.items() if not is_set_by_notebook(name, value)}


def _is_kernel_variable(name: str) -> bool:
    return name.startswith(_OF_KERNEL) or name in _OTHERS_OF_KERNEL
