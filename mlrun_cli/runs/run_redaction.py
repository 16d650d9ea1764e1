"""The redactor for a run's secrets, for programs other than its supervisor."""

from __future__ import annotations

from contextlib import suppress

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.submission import Secrets


def read_run_redactor(folder: RunFolder, default: Redactor) -> Redactor:
    """Return a redactor for the secrets in a run's folder, or `default` if they are missing or unreadable."""
    with suppress(OSError, KeyError, TypeError):
        document = read_json(folder.secrets)
        if document is not None:
            return Secrets.from_json(document).build_redactor()
    return default
