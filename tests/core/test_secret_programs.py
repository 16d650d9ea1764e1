"""Secrets in the command lines of well-known programs, and harmless words in others."""

from __future__ import annotations

import shlex

import pytest

from mlrun_cli.core.redaction import Redactor

_HIDDEN = [
    "mysql -pS3cretPw -u root db",
    "mysql -u root '-pS3cretPw' db",
    "/usr/bin/mysqldump -pS3cretPw db",
    "sudo -u me mariadb -pS3cretPw",
    "curl -u user:S3cretPw http://x",
    "curl -uuser:S3cretPw http://x",
    "curl -s --user user:S3cretPw http://x",
    "curl --proxy-user=user:S3cretPw http://x",
    "wget --password=S3cretPw x",
    "sshpass -p S3cretPw ssh host",
    "sshpass -pS3cretPw ssh -p 22 host",
    "sudo -E mysql -pS3cretPw db",
    "kubectl exec pod -- mysql -pS3cretPw",
    "find . -exec zip -P S3cretPw a {} +",
    "mysql -e 'bash -c \"curl -u me:S3cretPw x\"' -pS3cretPw",
    "curl -sSu user:S3cretPw http://x",
    "redis-cli -h host -a S3cretPw",
    "docker login -u me -p S3cretPw registry",
    "az login --service-principal -u app -p S3cretPw --tenant t",
    "http -a me:S3cretPw GET x",
    "lftp -u me,S3cretPw host",
    "smbclient -U me%S3cretPw //host/share",
    "ldapsearch -D cn=me -w S3cretPw",
    "mongodump -u me -p S3cretPw",
    "unzip -P S3cretPw a.zip",
    "7z x -pS3cretPw a.7z",
    "openssl rsa -passin pass:S3cretPw -in key",
    "curl -H 'Authorization: Bearer S3cretPw.x.y' http://x",
    "git clone https://user:S3cretPw@host/x.git",
    "prog --password=S3cretPw",
    "curl -b sid=S3cretPw http://x",
    "curl -sSb sid=S3cretPw http://x",
    "curl -s '--cookie=sid=S3cretPw; theme=dark' http://x",
    "wandb login S3cretPw0123456789abcdef0123456789abcdef",
    "wandb login --relogin --host https://wandb.example.org S3cretPw0123456789abcdef0123456789abcdef",
    "aws configure set aws_secret_access_key S3cretPw",
    "aws configure set --profile me profile.me.aws_session_token 'S3cretPw'",
    "npm config set //registry.example.org/:_authToken S3cretPw",
    "poetry config pypi-token.pypi S3cretPw",
    "huggingface-cli login --token S3cretPw",
]
_SHOWN = [
    "mysql -p db",
    "mysql -u root -p -P3306 db",
    "curl -u user http://x",
    "curl -u $USER:$PASSWORD http://x",
    "curl --user-agent a:b http://x",
    "docker run -p 8080:80 -u 1000:1000 image",
    "ssh -p 2222 host",
    "sshpass -f file ssh -p 2222 host",
    "docker run --name mongo -p 27017:27017 -d mongo",
    "sudo -u mysql python train.py -p5",
    "openssl rsa -passin env:PASSPHRASE -passout file:/a/b",
    "train.py sk-learn-2024-Experiment-with-a-very-long-name",
    "mkdir -p data/out",
    "cp -p a b",
    "pytest -p no:cacheprovider",
    "train.py -p 8080 -u 3:4 -a 5 -w 10",
    "train.py --program mysql -p3306",
    "train.py --backend curl -u a:b",
    "openssl req -x509 -keyout key.pem",
    "zip -r out.zip . ; tar -P -xf a",
    "curl -b cookies.txt -c cookies.txt http://x",
    "wandb login --relogin --host https://wandb.example.org",
    "wandb login failed because the network was away",
    "wandb sync run-20260101_120000-abcdefgh0123456789",
    "aws configure set region eu-west-1",
    "aws s3 cp data s3://bucket/data --recursive",
    "npm config set always-auth true",
    "train.py zip -P 4",
    "train.py 7z -p4 -x",
    "train.py login abcdefgh0123456789abcdefgh",
    "sk-learn-pipeline-with-a-long-name hf_model eyJson",
]
_TOKENS = [
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
    "glpat-abcdefghij0123456789",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "xoxb-123456789012-abcdefABCDEF",
    "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "AIzaSyA-1234567890abcdefghijklmnopqrstu",
    "dapi0123456789abcdef0123456789abcdef",
    "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
]


@pytest.mark.parametrize("line", _HIDDEN)
def test_a_secret_of_a_well_known_program_is_hidden_in_words_and_in_text(line: str) -> None:
    redactor = Redactor()
    words = shlex.split(line)
    shown = redactor.redact_arguments(words)
    assert "S3cretPw" not in " ".join(shown) and len(shown) == len(words)
    for text in (redactor.redact_command(line), redactor.redact_value(line), redactor.redact_setting("note", line)):
        assert "S3cretPw" not in text and text[:3] == line[:3]
    assert "S3cretPw" not in redactor.redact_arguments(["bash", "-c", f"cd x && {line} | tee log"])[-1]


@pytest.mark.parametrize("line", _SHOWN)
def test_harmless_options_of_these_and_other_programs_stay(line: str) -> None:
    redactor = Redactor()
    assert redactor.redact_arguments(shlex.split(line)) == shlex.split(line)
    assert (redactor.redact_command(line), redactor.redact_text(line)) == (line, line)


def test_only_the_secret_of_a_line_is_hidden() -> None:
    redactor = Redactor()
    line = "mysql -u root -p\"S3cret Pw\" db && curl -u 'me:S3cretPw' x && curl -u me:other y | mysql -p"
    shown = "mysql -u root -p\"***\" db && curl -u 'me:***' x && curl -u me:*** y | mysql -p"
    assert redactor.redact_value(line) == shown
    assert redactor.redact_prose(f"it says: {line}") == f"it says: {shown}"


@pytest.mark.parametrize(
    "text",
    [
        "/a" * 100_000 + " -x",
        "mysql -p " * 10_000,
        "mysql -p '" * 10_000,
        "'mysql' \"zip -r " * 5_000,
        "wandb login aws set " * 10_000,
        "'wandb login \"aws set region " * 5_000,
    ],
)
def test_long_texts_are_searched_once(text: str) -> None:
    """A search that reads the rest of the text again at each word takes minutes or hours."""
    assert Redactor().redact_text(text) == text


def test_what_a_run_repeats_of_such_a_secret_is_hidden() -> None:
    redactor = Redactor.for_run({}, ["mysql", "-pS3cretPw", "db"])
    assert redactor.redact_text("access denied for S3cretPw") == "access denied for ***"


@pytest.mark.parametrize("token", _TOKENS)
def test_a_token_of_a_well_known_service_is_hidden_wherever_it_stands(token: str) -> None:
    redactor = Redactor()
    assert redactor.redact_text(token) == "***"
    assert redactor.redact_text(f"pushed with {token}, again") == "pushed with ***, again"
    assert redactor.redact_arguments(["push", token]) == ["push", "***"]
    assert redactor.redact_setting("note", token) == "***"
    assert redactor.redact_document({"note": token}) == {"note": "***"}
