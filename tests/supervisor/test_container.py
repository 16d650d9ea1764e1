"""The end of a run's containers, with an engine that never answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.running import until

# In a process without threads, as a supervisor is; the moments are those that the clock would tell.
WAIT = """
import os, sys, time
from mlrun_cli.environments.environment import ContainerPlan
from mlrun_cli.supervisor.container import ContainerTermination

end = ContainerTermination(ContainerPlan(sys.argv[1], "image"), "exp_1", os.environ)
print(end.advance(1.0))
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
print(end.advance(10.0), end.advance(11.0), *end.finish())
"""


def test_an_engine_that_does_not_answer_is_given_up_and_not_asked_again(tmp_path: Path) -> None:
    engine, asked = tmp_path / "docker", tmp_path / "asked"
    engine.write_text(f"#!/bin/sh\necho $$ >> '{asked}'\nexec sleep 600\n", encoding="utf-8")
    engine.chmod(0o755)

    said = subprocess.check_output([sys.executable, "-c", WAIT, engine, asked], text=True)

    (pid,) = until(lambda: asked.read_text("utf-8").split())
    os.kill(int(pid), signal.SIGKILL)
    begun, given_up = said.splitlines()
    assert begun == "False"
    assert given_up.startswith("False True A container of the run may still run, since docker does not answer")
