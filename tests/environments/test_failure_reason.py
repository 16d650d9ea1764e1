"""Why an environment could not be built, as a run's error says it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlrun_cli.environments.build_plan import plan_conda_environment
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.environments.failure_reason import extract_failure_reason
from mlrun_cli.environments.installer_search import find_uv

# Needs no other package, prints in colour, and fails.
BACKEND = r"""
def build_wheel(folder, config_settings=None, metadata_directory=None):
    print("\x1b[31mreading\x1b[0m")
    raise RuntimeError("Running cythonize failed!")
def build_sdist(folder, config_settings=None):
    raise NotImplementedError
"""
PYPROJECT = (
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "mine"\nversion = "1"\n'
)


@pytest.mark.parametrize("builder", ["uv", "pip"])
def test_the_reason_is_what_the_package_says_that_cannot_be_built_and_nothing_is_in_colour(
    tmp_path: Path, builder: str
) -> None:
    if builder == "uv" and find_uv(os.environ) is None:
        pytest.skip("uv is not installed")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "backend.py").write_text(BACKEND, encoding="utf-8")
    (tmp_path / "mine" / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    options = ["--prefer-binary"] if builder == "pip" else []
    content = {"dependencies": [{"pip": [*options, "--no-index", "./mine"]}]}
    (tmp_path / "conda.yml").write_text(json.dumps(content), encoding="utf-8")
    environ = {**os.environ, "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}
    planned = plan_conda_environment(
        read_conda_dependencies(tmp_path / "conda.yml"), home=tmp_path / "home", environ=environ
    )
    (tmp_path / "plan.json").write_text(json.dumps(planned.plan.to_json()), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "mlrun_cli.environments", tmp_path / "plan.json"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert extract_failure_reason(done.stdout) == "mine could not be built: RuntimeError: Running cythonize failed!"
    assert "reading" in done.stdout
    assert "\x1b" not in done.stdout


OF_PIP_18 = """\
Processing ./mine-1.0.tar.gz
    Complete output from command python setup.py egg_info:
    You need libfoo to build this
    \n    ----------------------------------------
Command "python setup.py egg_info" failed with error code 1 in /tmp/pip-req-build-5ck6d5y8/
"""
OF_PIP_23 = """\
Collecting other
Building wheels for collected packages: mine
  Building wheel for mine (pyproject.toml): started
  Building wheel for mine (pyproject.toml): finished with status 'error'
  error: subprocess-exited-with-error

  \N{MULTIPLICATION SIGN} Building wheel for mine (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> [10 lines of output]
      building 'mine' extension
      x.c:1:10: fatal error: nosuch.h: No such file or directory
          1 | #include <nosuch.h>
            |          ^~~~~~~~~~
      compilation terminated.
      error: command 'gcc' failed with exit status 1
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
  ERROR: Failed building wheel for mine
Failed to build mine
ERROR: Could not build wheels for mine, which is required to install pyproject.toml-based projects
"""
OF_PIP_26 = """\
Processing ./mine-1.0.tar.gz
  error: subprocess-exited-with-error
\x20\x20
  \N{MULTIPLICATION SIGN} Getting requirements to build wheel did not run successfully.
  │ exit code: 1
  ╰─> [21 lines of output]
      Traceback (most recent call last):
        File "<string>", line 1, in <module>
      ModuleNotFoundError: No module named 'distutils'
      [end of output]
\x20\x20
  note: This error originates from a subprocess, and is likely not a problem with pip.
ERROR: Failed to build 'file:///mine-1.0.tar.gz' when getting requirements to build wheel
"""
OF_UV = """\
error: Failed to build `mine @ file:///mine-1.0.tar.gz`
  cause: The build backend returned an error
  cause: Call to `setuptools.build_meta:__legacy__.get_requires_for_build_wheel` failed (exit status: 1)

         [stdout]
         error: reading things

         [stderr]
         Traceback (most recent call last):
           File "<string>", line 3, in <module>
         RuntimeError: Running cythonize failed!

hint: Build failures usually indicate a problem with the package or the build environment
"""
NOT_FOUND_BY_UV = """\
Using Python 3.11
  \N{MULTIPLICATION SIGN} No solution found when resolving dependencies:
  ╰─▶ Because nope was not found and
      you require nope, it cannot be.

  hint: look elsewhere
"""
CONFLICT = """\
ERROR: Cannot install a==1.0 and b==1.0 because these package versions have conflicting dependencies.

The conflict is caused by:
    a 1.0 depends on tiny==1.0
    b 1.0 depends on tiny==2.0

Additionally, some packages in these conflicts have no matching distributions available for your environment:
    tiny

To fix this you could try to:
1. loosen the range of package versions you've specified

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/
"""
NOT_REACHED = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.\
HTTPSConnection object at 0x7ffb46e53390>: Failed to establish a new connection: [Errno 111] Connection refused')': /s/
ERROR: Could not find a version that satisfies the requirement six (from versions: none)
ERROR: No matching distribution found for six
"""
OF_CONDA = """\
Channels:
PackagesNotFoundError: The following packages are not available from current channels:

  - numpy=0.1

Current channels:
and use the search bar at the top of the page.
"""
NO_TIMES = """\
warning: `tiny-2.0-py3-none-any.whl` is missing an upload date, but user provided: 2020-06-02T00:00:00Z
error: No solution found when resolving dependencies
  cause: Because there are no versions of tiny and you require tiny, it cannot be.
"""


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (OF_PIP_18, "mine-1.0.tar.gz could not be built: You need libfoo to build this"),
        (OF_PIP_23, "mine could not be built: x.c:1:10: fatal error: nosuch.h: No such file or directory"),
        (OF_PIP_26, "mine-1.0.tar.gz could not be built: ModuleNotFoundError: No module named 'distutils'"),
        (
            OF_PIP_26[OF_PIP_26.index("      Traceback") :],
            "mine-1.0.tar.gz could not be built: ModuleNotFoundError: No module named 'distutils'",
        ),
        (OF_UV, "mine could not be built: RuntimeError: Running cythonize failed!"),
        (
            OF_UV.replace("[stderr]", "[none]\n").partition("         Trace")[0],
            "mine could not be built: error: reading things",
        ),
        (
            NOT_FOUND_BY_UV,
            "No solution found when resolving dependencies: Because nope was not found and you require nope, it cannot "
            "be.",
        ),
        (
            OF_UV + NOT_FOUND_BY_UV.replace("  \N{MULTIPLICATION SIGN} ", "error: "),
            "error: No solution found when resolving dependencies: Because nope was not found and you require nope, it "
            "cannot be.",
        ),
        ("Collecting nope\nERROR: Could not find a version\nERROR: No matching distribution found for nope\n\n", None),
        (
            CONFLICT,
            "Cannot install a==1.0 and b==1.0 because these package versions have conflicting dependencies. "
            "a 1.0 depends on tiny==1.0; b 1.0 depends on tiny==2.0",
        ),
        (
            NOT_REACHED,
            "ERROR: No matching distribution found for six (The index was not reached: Failed to establish a new "
            "connection: [Errno 111] Connection refused.)",
        ),
        (
            OF_CONDA,
            "PackagesNotFoundError: The following packages are not available from current channels: - numpy=0.1",
        ),
        (
            NO_TIMES,
            "the index does not say when its packages were uploaded, without which none of a day can be chosen "
            "(error: No solution found when resolving dependencies: Because there are no versions of tiny and "
            "you require tiny, it cannot be.)",
        ),
        ("a\nlast\n\n", "last"),
        ("", "it printed nothing"),
    ],
)
def test_the_cause_is_found_among_an_installers_other_words(log: str, reason: str | None) -> None:
    assert extract_failure_reason(log) == (reason or "ERROR: No matching distribution found for nope")
