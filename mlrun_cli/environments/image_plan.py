"""Planning of a container's image, which is either named or built from a Dockerfile."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.text_files import read_text
from mlrun_cli.environments.build_plan import compute_key_and_folder
from mlrun_cli.environments.environment import Builder, EnvironmentBuild, ImageSource
from mlrun_cli.environments.image import compute_context_digest
from mlrun_cli.environments.placeholders import replace_secrets_in_dockerfile
from mlrun_cli.errors import Unsupported
from mlrun_cli.runconfigs.run_configuration import RunConfiguration

BASE_IMAGE = "environment.docker.baseImage"
_DOCKERFILE = "environment.docker.baseDockerfile"
_CONTEXT = "environment.docker.buildContext"
_IS_ADDRESS = re.compile(r"[\w+.-]+://|[\w.-]+@[\w.-]+:")
_HAS_FROM = re.compile(r"^\s*FROM\s", re.IGNORECASE | re.MULTILINE)


def plan_image(
    configuration: RunConfiguration, engine: str, *, home: Path, project: Path, redactor: Redactor
) -> tuple[EnvironmentBuild, Mapping[str, str]] | None:
    """Plan the build of an image; return the build and its secrets, or None if an existing image is named.

    Raises:
        Unsupported: a key of the runconfig is not supported.
        InvalidFile: the Dockerfile is not a text file.
    """
    rest = configuration.rest
    named = [key_path for key_path in (_CONTEXT, _DOCKERFILE, BASE_IMAGE) if rest.get(key_path)]
    if named in ([], [BASE_IMAGE]):
        return None
    if len(named) > 1:
        raise Unsupported(
            f"{named[0]} cannot be used: {named[1]} names another image.", hint="Take one of the two out."
        )
    found = rest[named[0]]
    source = (
        _create_context_source(found, project)
        if isinstance(found, Mapping)
        else _create_dockerfile_source(str(found), project)
    )
    return _create_build(source, engine, home, redactor)


def _create_dockerfile_source(text: str, project: Path) -> ImageSource:
    """Return the image source of a Dockerfile, given as text or as a path, with an empty build context as in Azure."""
    is_name = os.path.isfile(project / text.strip())  # unlike Path, it accepts a name that is too long
    dockerfile = read_text(project / text.strip()) if is_name else text
    if not _HAS_FROM.search(dockerfile):
        raise Unsupported(
            f"{_DOCKERFILE} cannot be used: it is neither a file of {project} nor the text of a Dockerfile.",
            hint="Write a Dockerfile there, which has a line 'FROM …', or the path of one.",
        )
    return ImageSource(dockerfile)


def _create_context_source(section: Mapping[str, object], project: Path) -> ImageSource:
    """Return the image source of a `buildContext` section, whose location must be a local folder."""
    location, kind = str(section.get("location") or ""), str(section.get("locationType") or "")
    if kind.casefold() == "git" or _IS_ADDRESS.match(location):
        shown = Redactor().redact_text(location.partition("?")[0])
        raise Unsupported(
            f"{_CONTEXT} cannot be used: '{shown}' is an address, which is not fetched.",
            hint=f"Clone or download it, and write the folder as {_CONTEXT}.location, without locationType.",
        )
    context = Path(os.path.realpath(project / location))
    if not location or not context.is_dir():
        raise Unsupported(
            f"{_CONTEXT} cannot be used: "
            + (f"there is no folder {context}." if location else "it names no location."),
            hint=f"Write the folder as {_CONTEXT}.location; a relative one is taken from {project}.",
        )
    file = context / str(section.get("dockerfilePath") or "Dockerfile")
    if not file.is_file():
        raise Unsupported(
            f"{_CONTEXT} cannot be used: there is no Dockerfile {file}.",
            hint=f"Write its path within the folder as {_CONTEXT}.dockerfilePath.",
        )
    try:
        return ImageSource(read_text(file), str(context), compute_context_digest(context))
    except OSError as error:
        raise Unsupported(
            f"{_CONTEXT} cannot be used: {error.filename} cannot be read: {error.strerror}.",
            hint="Check its permissions ('ls -l').",
        ) from error


def _create_build(
    source: ImageSource, engine: str, home: Path, redactor: Redactor
) -> tuple[EnvironmentBuild, Mapping[str, str]]:
    lines = "".join(f"{line}\n" for line in source.dockerfile.splitlines())
    dockerfile, secrets = replace_secrets_in_dockerfile(lines, redactor)
    hidden = source._replace(dockerfile=dockerfile)
    # docker and podman do not share images, and secrets may be stored in the image; so both are part of the key.
    content = [Builder.IMAGE.value, os.path.basename(engine), dockerfile, hidden.context_digest, *secrets.values()]
    key, folder = compute_key_and_folder(home, content)
    build = EnvironmentBuild(
        key=key,
        folder=folder,
        pythons=(),
        builder=Builder.IMAGE,
        installer=engine,
        requirements=(),
        options=(),
        image=hidden,
    )
    return build, secrets
