from __future__ import annotations

import pytest

from mlrun_cli.environments.docker_arguments import parse_docker_arguments


@pytest.mark.parametrize(
    ("words", "source", "target"),
    [
        (["-v", "/home/me/data:/data"], "/home/me/data", "/data"),
        (["-v/home/me/data:/data/:ro"], "/home/me/data", "/data"),
        (["-v /home/me/data:/data"], "/home/me/data", "/data"),
        (["--volume=./data:/data"], "./data", "/data"),
        (["--volume", "~/my data:/data"], "~/my data", "/data"),
        (["--mount", "type=bind,source=/a,target=/data,readonly"], "/a", "/data"),
        (["--mount=type=bind,src=/a,dst=/data"], "/a", "/data"),
    ],
)
def test_volumes_are_told_from_the_rest(words: list[str], source: str, target: str) -> None:
    found = parse_docker_arguments(["--rm", *words, "--ipc", "host", "-it"])
    assert [(volume.source, volume.target) for volume in found.volumes] == [(source, target)]
    assert found.others == ("--rm", "--ipc host", "-it")


def test_variables_are_told_from_the_rest() -> None:
    found = parse_docker_arguments(["-e", "A=1=2", "--env=B=x y", "-eC=3", "-e", "HOME", "--env-file", "x.env"])
    assert found.variables == {"A": "1=2", "B": "x y", "C": "3"}
    assert found.others == ("--env-file x.env",)


@pytest.mark.parametrize("words", [["-v", "named:/data"], ["-v", "/data"], ["--mount", "type=tmpfs,target=/x"], ["-v"]])
def test_what_an_engine_keeps_is_no_volume_of_the_machine(words: list[str]) -> None:
    found = parse_docker_arguments(words)
    assert (found.volumes, found.others) == ((), (" ".join(words),))
