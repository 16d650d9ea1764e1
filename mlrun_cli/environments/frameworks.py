"""Programs that start scripts of other frameworks: `Rscript` for R, `spark-submit` for PySpark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import Unsupported
from mlrun_cli.runconfigs.run_configuration import RunConfiguration

R_FRAMEWORK = "r"
SPARK_FRAMEWORK = "pyspark"
PROGRAMS: Mapping[str, str] = {R_FRAMEWORK: "Rscript", SPARK_FRAMEWORK: "spark-submit"}
"""A mapping from framework, in lower case, to the program that starts its scripts."""

INSTALL: Mapping[str, str] = {
    R_FRAMEWORK: "Install R (on Debian: apt install r-base-core)",
    SPARK_FRAMEWORK: "Install Spark, or 'pip install pyspark', which brings spark-submit",
}


def find_framework_program(framework: str, search_path: str) -> str | None:
    """Return the path of the program that starts scripts of a framework, or None if it is not installed."""
    name = PROGRAMS.get(framework.casefold())
    found = None if name is None else shutil.which(name, path=search_path)
    return None if found is None else os.path.abspath(found)


def build_spark_command(configuration: RunConfiguration, spark_submit: str) -> tuple[str, ...]:
    """Return the `spark-submit` command for a PySpark script, with its packages, repositories and settings.

    Raises:
        Unsupported: a setting contains a secret, or a package is not valid.
    """
    rest = configuration.rest
    words = [spark_submit]
    packages = [_build_maven_coordinate(package) for package in _get_list(rest, "environment.spark.packages")]
    repositories = [str(address) for address in _get_list(rest, "environment.spark.repositories")]
    for option, values in (("--packages", packages), ("--repositories", repositories)):
        if values:
            words += [option, ",".join(values)]
    settings = rest.get("spark.configuration")
    if isinstance(settings, Mapping):
        for setting in _format_spark_settings(settings):
            words += ["--conf", setting]
    return tuple(words)


def _get_list(configuration: Mapping[str, object], key_path: str) -> list[object]:
    value = configuration.get(key_path)
    return list(value) if isinstance(value, (list, tuple)) else []


def _build_maven_coordinate(package: object) -> str:
    """Return the Maven coordinate `GROUP:ARTIFACT:VERSION` of an entry of `packages`; raise if a part is missing."""
    parts = [package.get(name) for name in ("group", "artifact", "version")] if isinstance(package, Mapping) else []
    if not parts or not all(parts):
        raise Unsupported(
            f"environment.spark.packages cannot be used: {package!r} is not a package.",
            hint="Each has a group, an artifact and a version.",
        )
    return ":".join(map(str, parts))


def _format_spark_settings(settings: Mapping[object, object]) -> Iterator[str]:
    """Yield `NAME=VALUE` for each setting except those for YARN; raise if a setting seems to be secret."""
    redactor = Redactor()
    for name, value in sorted((str(name), value) for name, value in settings.items()):
        if name.startswith("spark.yarn."):
            continue
        if redactor.is_secret(name.replace(".", "_")) or ".key" in name:
            raise Unsupported(
                f"spark.configuration cannot be used: '{name}' seems to be secret, and a command line is not.",
                hint="Put it into the spark-defaults.conf of this machine.",
            )
        yield f"{name}={str(value).lower() if isinstance(value, bool) else value}"
