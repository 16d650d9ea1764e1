"""SHA-256 of short texts."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from mlrun_cli.core.digests import create_sha256


def test_it_is_the_digest_of_hashlib() -> None:
    hasher = create_sha256(b"one")
    hasher.update(b" two")
    assert hasher.hexdigest() == hashlib.sha256(b"one two").hexdigest()
    assert create_sha256().digest() == hashlib.sha256().digest()


def test_a_python_without_it_takes_hashlib() -> None:
    program = (
        "import sys; sys.modules['_sha2'] = sys.modules['_sha256'] = None\n"
        "from mlrun_cli.core.digests import create_sha256\n"
        "print(create_sha256(b'x').hexdigest(), 'hashlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == [hashlib.sha256(b"x").hexdigest(), "True"]


def test_it_does_not_load_openssl() -> None:
    program = (
        "import sys; from mlrun_cli.core.digests import create_sha256\n"
        "create_sha256(b'x').hexdigest(); print(sorted({'hashlib', '_hashlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "[]\n"
