"""Modules that load when they are first used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SLOW = """
import time
first = 1
time.sleep(0.2)
last = 2
def read(): return last
"""
INTERRUPTED_ONCE = """
import os
first = 1
if not os.path.exists("begun"):
    open("begun", "w").close()
    raise KeyboardInterrupt
last = 2
"""
BEGIN = "import sys; from mlrun_cli.core.deferred_modules import *; defer_modules(['deferred', 'no_such_module'])\n"


def run(folder: Path, module: str, program: str) -> str:
    (folder / "deferred.py").write_text(module, encoding="utf-8")
    search_path = os.pathsep.join(["", *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": search_path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_deferred_module_loads_when_it_is_first_used(tmp_path: Path) -> None:
    program = """
import deferred, deferred as again
assert 'first' not in vars(deferred) and 'no_such_module' not in sys.modules
from deferred import read
assert read() == 2 and again is deferred is sys.modules['deferred']
assert type(deferred) is type(sys) and not hasattr(deferred, 'other')
print('done')
"""
    assert run(tmp_path, SLOW, program) == "done\n"


def test_threads_that_use_it_at_once_find_all_of_it(tmp_path: Path) -> None:
    program = """
import deferred
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print({name: set(pool.map(lambda _: getattr(deferred, name), range(8))) for name in ('last', 'first')})
"""
    assert run(tmp_path, SLOW, program) == "{'last': {2}, 'first': {1}}\n"


def test_a_load_that_was_interrupted_begins_anew(tmp_path: Path) -> None:
    program = """
import deferred
try:
    deferred.last
except KeyboardInterrupt:
    print('interrupted', deferred.last)
"""
    assert run(tmp_path, INTERRUPTED_ONCE, program) == "interrupted 2\n"


def test_a_command_defers_what_it_rarely_uses(tmp_path: Path) -> None:
    program = """
import os
from mlrun_cli.cli.program import main
os._exit = sys.exit
os.environ['MLRUN_HOME'] = os.getcwd()
sys.argv = ['mlrun', 'workspace', 'list']
try:
    main()
finally:
    print(*(name for name in RARELY_USED if 'Deferred' not in type(sys.modules[name]).__name__))
"""
    assert run(tmp_path, "", program).splitlines()[1:] == [""]
