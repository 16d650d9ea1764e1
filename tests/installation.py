"""Installations of mlrun-cli in environments of their own, with distributions that add kinds of compute targets."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path


def make_installation(venv: Path, module: Path, kinds: Mapping[str, str]) -> Path:
    """Create an environment with mlrun-cli and a distribution that adds kinds of targets; return its scripts folder.

    Args:
        venv: the folder of the environment.
        module: the only module of the distribution.
        kinds: the names of the classes in the module, keyed by kind.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    # Folders that .pth files of that place name count too, as for the editable install of this project.
    path_file = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (packages / "tested.pth").write_text(path_file, encoding="utf-8")
    name = module.stem
    about = packages / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"{kind} = {name}:{of_kind}\n" for kind, of_kind in kinds.items()]
    (about / "entry_points.txt").write_text("".join(["[mlrun_cli.targets]\n", *lines]), encoding="utf-8")
    (packages / module.name).write_text(module.read_text(encoding="utf-8"), encoding="utf-8")
    program = venv / "bin" / "mlrun"
    text = "import sys\nfrom mlrun_cli.cli.program import main\nsys.exit(main())\n"
    program.write_text(f"#!{venv / 'bin' / 'python'}\n{text}", encoding="utf-8")
    program.chmod(0o755)
    return venv / "bin"
