"""The settings of a Ray target, and the job that is built from them and a run's demand."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import BUILD_PROPERTY, JOB_ID_VARIABLE, JobRequest
from mlrun_cli.targets.setup_script import build_setup_script

CPU, GPU = "CPU", "GPU"
_MEMORY = "memory"
_RESERVED = frozenset({CPU, GPU, _MEMORY, "object_store_memory"})


class RaySettings(NamedTuple):
    """The settings of a target, as given at its attachment.

    Attributes:
        address: the address of the head's HTTP server.
        num_cpus: the processors that each run reserves on its node; 0 leaves the run to Ray's default, the head.
        num_gpus: the GPUs of runs that ask for none.
        resources: the amounts of the cluster's own resources that each run reserves, keyed by name.
        setup: lines of the shell that precede the supervisor.
        build_on: where environments are built, see `BUILD_PROPERTY`.
        variables: the `RAY_…` variables for processes that have none, of which none is secret.
    """

    address: str
    num_cpus: float = 1
    num_gpus: float = 0
    resources: Mapping[str, float] = MappingProxyType({})
    setup: Sequence[str] = ()
    build_on: str | None = None
    variables: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> RaySettings:
        """Return the settings in the properties of a target's row."""
        return cls(**{name: properties[key] for name, key in _KEYS.items() if properties.get(key) is not None})

    def to_properties(self) -> dict[str, Any]:
        """Return the properties of the target's row that contain these settings."""
        given = {key: getattr(self, name) for name, key in _KEYS.items()}
        plain = {
            "address": self.address,
            "numCpus": self.num_cpus,
            "resources": dict(self.resources),
            "setup": list(self.setup),
            "variables": dict(self.variables),
        }
        return {key: plain.get(key, value) for key, value in given.items() if value or key == "numCpus"}

    def compute_reserved_resources(self, demand: Demand) -> dict[str, float]:
        """Return the amounts of resources that a run reserves on one node, keyed by Ray's names."""
        amounts = {CPU: self.num_cpus, GPU: demand.gpu_count or self.num_gpus, **self.resources}
        return {name: amount for name, amount in amounts.items() if amount}

    def build_job_body(self, request: JobRequest) -> dict[str, Any]:
        """Return the body of the request that submits the job of a run."""
        folder, log = (shlex.quote(str(path)) for path in (request.log.parent, request.log))
        script = build_setup_script(
            self.setup,
            request.command,
            # The output of Ray's jobs is in a log of its own on the node; its working folder is that of Ray's daemon.
            first_line=f"export {JOB_ID_VARIABLE}={shlex.quote(request.run_id)}\n"
            f"cd {folder} && exec >>{log} 2>&1 || exit 1",
        )
        return {
            "submission_id": request.run_id,
            "metadata": {"workspace": request.workspace, "job_name": request.run_id},
            **build_entrypoint(script, self.compute_reserved_resources(request.demand)),
        }


def build_entrypoint(script: str, resources: Mapping[str, float]) -> dict[str, Any]:
    """Return the part of a job request with the shell script to execute and the resources to reserve."""
    own = {name: amount for name, amount in resources.items() if name not in {CPU, GPU}}
    values = {
        "entrypoint": f"exec bash -c {shlex.quote(script)}",
        "entrypoint_num_cpus": resources.get(CPU),
        "entrypoint_num_gpus": resources.get(GPU),
        "entrypoint_resources": own or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def normalize_address(address: str) -> str:
    """Validate the address of a Ray dashboard, and return it without a trailing slash.

    Raises:
        InvalidValue: it is not an address of HTTP or HTTPS, or contains a user's name and password.
    """
    try:
        split = urlsplit(address)
        is_valid = split.scheme in {"http", "https"} and bool(split.hostname) and (split.port is None or True)
    except ValueError:
        is_valid = False
    if not is_valid or split.query or split.fragment or not address.isprintable() or " " in address:
        raise InvalidValue(
            f"--address: '{address}' is not the address of a Ray head's dashboard.",
            hint="Write it as in http://head:8265.",
            target="--address",
        )
    if "@" in split.netloc:
        raise InvalidValue(
            "--address: it contains a user, which would be stored.",
            hint="Leave it out; RAY_JOB_HEADERS or RAY_AUTH_TOKEN say who you are.",
            target="--address",
        )
    return address.rstrip("/")


def parse_resources(text: str) -> dict[str, float]:
    """Return the amounts in a JSON object such as `{"accelerator": 1}`.

    Raises:
        InvalidValue: it is not an object of positive numbers, or names what other options are for.
    """
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    is_valid = isinstance(document, dict) and all(
        isinstance(amount, (int, float)) and not isinstance(amount, bool) and amount > 0 for amount in document.values()
    )
    if not is_valid:
        raise InvalidValue(
            f"--resources: '{text}' is not a JSON object of amounts.",
            hint="""Write it as in --resources '{"accelerator": 1}'.""",
            target="--resources",
        )
    reserved = sorted(_RESERVED & document.keys())
    if reserved:
        raise InvalidValue(
            f"--resources: '{reserved[0]}' is not a resource that a cluster has named itself.",
            hint="Use --num-cpus and --num-gpus for processors and GPUs.",
            target="--resources",
        )
    return dict(document)


def to_int_if_whole(number: float) -> float:
    """Return a whole number as an int, and any other number unchanged."""
    return int(number) if number == int(number) else number


_KEYS = {
    "address": "address",
    "num_cpus": "numCpus",
    "num_gpus": "numGpus",
    "resources": "resources",
    "setup": "setup",
    "build_on": BUILD_PROPERTY,
    "variables": "variables",
}
