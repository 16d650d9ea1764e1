"""Many calls of the installed command from one loaded process, for pages and refusals that depend on words alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from tests.running import Mlrun

_PROGRAM = """
import json, os, sys, tempfile
from mlrun_cli.cli.program import main
import mlrun_cli.cli.main, mlrun_cli.cli.tree, mlrun_cli.cli.help.pages

for line in sys.stdin:
    files = [tempfile.TemporaryFile() for _ in range(2)]
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, file in enumerate(files, 1):
            os.dup2(file.fileno(), number)
        sys.argv = ["mlrun", *json.loads(line)]
        main()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = []
    for file in files:
        file.seek(0)
        texts.append(file.read().decode())
    print(json.dumps([code, *texts]), flush=True)  # or the next child would print it, too
"""


def run_forked(mlrun: Mlrun, calls: Sequence[Sequence[str]]) -> list[subprocess.CompletedProcess[str]]:
    """Run the command once for each list of words, each in a fork of a process that has loaded it; return the results.

    Loading takes most of the time of a call that only prints a page.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input="".join(f"{json.dumps(list(words))}\n" for words in calls),
        cwd=mlrun.folder,
        env=mlrun.environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return [subprocess.CompletedProcess(words, *result) for words, result in zip(calls, results, strict=True)]
