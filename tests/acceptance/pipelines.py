"""Running of a pipeline's steps as its service does: each in a new shell, the jobs of a matrix in parallel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.running import Mlrun

_LOGIN = (
    "az cloud set -n azurecloud\n"
    "az login --service-principal -u name --tenant tenant -p geheim > /dev/null\n"
    "az account set --subscription 00000000-0000-0000-0000-000000000000\n"
)


@dataclass
class Job:
    """One job on a machine, with its checkout, its variables and the output of its steps.

    Attributes:
        mlrun: the command whose home all jobs share, as on a single machine.
        checkout: the job's own working folder.
        variables: values keyed by the names that the pipeline's file uses; steps may add some.
        path: folders that steps have put in front of the PATH.
        output: what the steps printed.
    """

    mlrun: Mlrun
    checkout: Path
    variables: dict[str, str]
    path: list[str] = field(default_factory=list)
    output: str = ""

    @property
    def temporary(self) -> Path:
        """The folder for temporary files of the steps."""
        return self.checkout.parent / f"{self.checkout.name} temp"

    def shell(self, words: Sequence[str], text: str, folder: str = "", **variables: str) -> str:
        """Run a script in a new shell that gets the script's file, and return its output."""
        script = self.temporary / "script.sh"
        script.write_text(text, encoding="utf-8")
        environment = {**self.mlrun.environment, **variables}
        environment["PATH"] = os.pathsep.join([*self.path, environment["PATH"]])
        done = subprocess.run(
            [str(script) if word == "{0}" else word for word in words],
            cwd=self.checkout / folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        self.output += done.stdout + done.stderr
        return done.stdout


def run_github(mlrun: Mlrun, file: Path, project: Path) -> list[Job]:
    """Run a workflow of GitHub Actions, and return its jobs."""
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    done: list[Job] = []
    for name, job in workflow["jobs"].items():
        matrix = job.get("strategy", {}).get("matrix", {})
        ((axis, values),) = matrix.items() or {"": [""]}.items()
        folder = job.get("defaults", {}).get("run", {}).get("working-directory", "")
        variables = {f"env.{key}": str(value) for key, value in workflow["env"].items()}
        jobs = [
            _job(mlrun, project, f"{name} {index}", {**variables, f"matrix.{axis}": str(value)})
            for index, value in enumerate(values)
        ]
        done += _at_once(jobs, lambda each, steps=job["steps"], folder=folder: _github_steps(each, steps, folder))
    return done


def _github_steps(job: Job, steps: Sequence[Mapping[str, Any]], folder: str) -> None:
    files = {name: job.temporary / name for name in ("GITHUB_ENV", "GITHUB_PATH")}
    shells = {None: ["bash", "-e", "{0}"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"]}
    for step in steps:
        for file in files.values():
            file.write_text("", encoding="utf-8")
        text = _LOGIN if str(step.get("uses")).startswith("azure/login") else step.get("run", "")
        where = _filled(r"\$\{\{\s*([\w.-]+)\s*\}\}", step.get("working-directory", folder), job.variables)
        job.shell(
            shells[step.get("shell")],
            _filled(r"\$\{\{\s*([\w.-]+)\s*\}\}", text, job.variables),
            where if text is not _LOGIN else "",
            RUNNER_TEMP=str(job.temporary),
            **{name: str(file) for name, file in files.items()},
        )
        job.path[:0] = files["GITHUB_PATH"].read_text(encoding="utf-8").splitlines()
        for line in files["GITHUB_ENV"].read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            job.variables[f"env.{name}"] = value


def run_azure(mlrun: Mlrun, file: Path, project: Path) -> list[Job]:
    """Run a pipeline of Azure Pipelines, and return its jobs."""
    pipeline = yaml.safe_load(file.read_text(encoding="utf-8"))
    done: list[Job] = []
    for job in pipeline["jobs"]:
        legs = job.get("strategy", {}).get("matrix", {"": {}})
        jobs = [
            _job(mlrun, project, f"{job['job']} {leg}", {**pipeline["variables"], **own}) for leg, own in legs.items()
        ]
        done += _at_once(jobs, lambda each, steps=job["steps"]: _azure_steps(each, steps))
    return done


def _azure_steps(job: Job, steps: Sequence[Mapping[str, Any]]) -> None:
    job.variables["Agent.TempDirectory"] = str(job.temporary)
    shell = ["bash", "--noprofile", "--norc", "{0}"]
    for step in steps:
        inputs = step.get("inputs", step)
        is_task = "task" in step
        text = inputs["inlineScript"] if is_task else step.get("bash") or step["script"]
        folder = _filled(r"\$\(([\w.-]+)\)", inputs.get("workingDirectory", ""), job.variables)
        if is_task:
            job.shell(shell, f"set -e\naz --version > /dev/null\n{_LOGIN}", folder)
        said = job.shell(shell, _filled(r"\$\(([\w.-]+)\)", text, job.variables), folder)
        if is_task:
            job.shell(shell, "az account clear", folder)
        job.path[:0] = re.findall(r"^##vso\[task\.prependpath\](.*)$", said, re.MULTILINE)
        job.variables.update(re.findall(r"^##vso\[task\.setvariable variable=(\w+)\](.*)$", said, re.MULTILINE))


def _job(mlrun: Mlrun, project: Path, name: str, variables: Mapping[str, object]) -> Job:
    job = Job(mlrun, mlrun.folder.parent / "jobs" / name, {key: str(value) for key, value in variables.items()})
    shutil.copytree(project, job.checkout)
    job.temporary.mkdir()
    return job


def _at_once(jobs: list[Job], run: Any) -> list[Job]:
    with ThreadPoolExecutor(len(jobs)) as pool:
        list(pool.map(run, jobs))
    return jobs


def _filled(pattern: str, text: str, variables: Mapping[str, str]) -> str:
    """Return a text with the service's variables replaced, as before the shell sees it; others are kept."""
    return re.sub(pattern, lambda match: variables.get(match[1], match[0]), text)
