"""The folder in which a studio says where it is served."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from mlrun_cli.core import local_folder
from mlrun_cli.processes import host_lease
from mlrun_cli.serving import studio_folder
from mlrun_cli.serving.studio_folder import StudioFolder


def test_a_registration_that_is_renewed_is_gone_when_its_studio_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_lease, "_leases", {})
    monkeypatch.setattr(local_folder, "_folders", {})
    monkeypatch.setattr(studio_folder, "RENEWAL_SECONDS", 0.0)
    (tmp_path / "hosts").mkdir(mode=0o700)  # a home with it has a lease wherever it is
    host_lease.open_home(tmp_path)
    lease = host_lease.find_lease(tmp_path)
    assert lease is not None
    serving = tmp_path / "studio" / "serving"
    try:
        for _ in range(50):
            with StudioFolder(tmp_path).register_urls("http://one", "http://two", are_lasting=True):
                assert list(serving.glob("*.json"))
            time.sleep(0.002)
            assert list(serving.iterdir()) == []
    finally:
        shutil.rmtree(lease.folder)
