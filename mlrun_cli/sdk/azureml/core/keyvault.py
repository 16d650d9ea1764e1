"""Secrets from the environment or the system keyring, which are never sent, logged or stored with a run."""

import json
import os
from enum import Enum
from importlib import import_module
from typing import Any

from azureml.exceptions import UserErrorException

_SERVICE = "mlrun-cli"
_INDEX = "mlrun-cli: names of secrets"


class KeyVaultContentType(Enum):
    """The content type of a secret, which is accepted but not stored."""

    not_provided = "application/NotProvided"
    storage_account_access_key = "application/vnd.ms-StorageAccountAccessKey"
    storage_account_server_side_encryption_key = "application/vnd.ms-StorageAccountServerSideEncryptionKey"
    storage_sas_token = "application/vnd.ms-StorageSAStoken"  # noqa: S105 - names a kind
    storage_connection_string = "application/vnd.ms-StorageConnectionString"
    client_side_encryption_key = "application/vnd.ms-ClientSideEncryptionKey"
    password = "application/vnd.ms-password"  # noqa: S105 - names a kind
    servicebus_sas_token = "application/vnd.ms-ServiceBusSAStoken"  # noqa: S105 - names a kind
    servicebus_connection_string = "application/vnd.ms-ServiceBusConnectionString"
    sql_connection_string = "application/vnd.ms-SQLConnectionString"
    pem_file = "application/x-pem-file"
    bek = "BEK"
    wrapped_bek = "Wrapped BEK"
    pkcs12 = "application/x-pkcs12"
    text_configuration_value = "application/vnd.bag-textConfigurationValue"
    third_party_hosted_secret_no_rotation = "application/vnd.bag-3rdPartyHostedSecretNoRotation"  # noqa: S105 - a kind
    standard_user_account_test = "application/vnd.bag-StandardUserAccountTest"
    strong_enc_connection_string = "application/vnd.bag-StrongEncConnectionString"
    strong_enc_password_string = "application/vnd.bag-StrongEncPasswordString"  # noqa: S105 - names a kind
    azure_dev_ops_pat = "application/vnd.bag-AzureDevOpsPAT"


class Keyvault:
    """The secrets of the user who executes the script.

    A secret is looked up in the environment (`my-key` as `my-key`, `my_key` or `MY_KEY`), then in the system
    keyring, if the package `keyring` is installed in the script's environment. Secrets are stored only in the keyring.
    """

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace

    def get_secret(self, name: str) -> str:
        """Return the secret with this name.

        Raises:
            UserErrorException: There is no such secret; the message explains how to set it.
        """
        return read_secret(self.workspace, name)

    def get_secrets(self, secrets: "list[str]") -> "dict[str, str]":
        """Return several secrets, keyed by name; raise UserErrorException if one is missing."""
        return {name: read_secret(self.workspace, name) for name in secrets}

    def get_secret_content_type(self, name: str) -> KeyVaultContentType:
        """Return `not_provided` for an existing secret, since content types are not stored."""
        self.get_secret(name)
        return KeyVaultContentType.not_provided

    def set_secret(
        self,
        name: str,
        value: str,
        content_type: KeyVaultContentType = KeyVaultContentType.not_provided,
    ) -> None:
        """Store a secret in the system keyring, replacing an earlier value.

        Raises:
            UserErrorException: There is no keyring; the message explains the alternative.
        """
        _check_name(name)
        keyring = _require_keyring(f"set_secret({name!r}, …)")
        _call_keyring(keyring.set_password, _SERVICE, name, value)
        _write_name_index(keyring, {*_read_name_index(keyring), name})

    def set_secrets(self, secrets_batch: "dict[str, str]") -> None:
        """Store several secrets, given as a dict from names to values, in the system keyring."""
        for name, value in secrets_batch.items():
            self.set_secret(name, value)

    def delete_secret(self, name: str) -> None:
        """Remove a secret from the system keyring.

        Raises:
            UserErrorException: There is no keyring, or no such secret in it.
        """
        _check_name(name)
        keyring = _require_keyring(f"delete_secret({name!r})")
        names = set(_read_name_index(keyring))
        if _call_keyring(keyring.get_password, _SERVICE, name) is None:
            raise UserErrorException(
                f"There is no secret {name!r} in the keyring. There are: {', '.join(sorted(names)) or 'none'}."
            )
        _call_keyring(keyring.delete_password, _SERVICE, name)
        _write_name_index(keyring, names - {name})

    def delete_secrets(self, secrets: "list[str]") -> None:
        """Remove several secrets from the system keyring."""
        for name in secrets:
            self.delete_secret(name)

    def list_secrets(self) -> "list[dict[str, str]]":
        """Return a dict `{"name": …}` for each secret stored with `set_secret`, without the secret's value.

        Raises:
            UserErrorException: There is no keyring.
        """
        return [{"name": name} for name in sorted(_read_name_index(_require_keyring("list_secrets()")))]


def read_secret(workspace: Any, name: str) -> str:  # noqa: ARG001 - in Azure each workspace has secrets of its own
    """Return the secret with this name from this process's environment or the system keyring.

    Raises:
        UserErrorException: There is no such secret; the message explains how to set it.
    """
    _check_name(name)
    variable = name.replace("-", "_")
    for place in (name, variable, variable.upper()):
        if place in os.environ:
            return os.environ[place]
    keyring = _import_keyring()
    try:
        found = None if keyring is None else _call_keyring(keyring.get_password, _SERVICE, name)
    except UserErrorException as error:
        raise UserErrorException(
            f"There is no secret {name!r} in the environment, where it would be {variable.upper()}. {error.message}"
        ) from error
    if found is not None:
        return str(found)
    install = "" if keyring is not None else "install the package keyring where the script runs, and "
    raise UserErrorException(
        f"There is no secret {name!r}. Set the variable {variable.upper()} in the environment that the run is "
        f"submitted from; or {install}put it into the keyring of the system: 'keyring set {_SERVICE} {name}'."
    )


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name or "=" in name or "\0" in name:
        raise UserErrorException(f"The name of a secret is a text that is not empty and has no '=', not {name!r}.")


def _import_keyring() -> Any:
    """Return the module `keyring`, or None if it is not installed."""
    try:
        return import_module("keyring")
    except ImportError:
        return None


def _require_keyring(call: str) -> Any:
    """Return the module `keyring`; raise UserErrorException if it is not installed."""
    keyring = _import_keyring()
    if keyring is None:
        raise UserErrorException(
            f"Keyvault.{call} needs the keyring of the system: install the package keyring where the script runs. "
            "Without it, secrets are variables in the environment that a run is submitted from."
        )
    return keyring


def _read_name_index(keyring: Any) -> "list[str]":
    """Return the names of the stored secrets from an index in the keyring, which cannot list them itself."""
    names: list[str] = json.loads(_call_keyring(keyring.get_password, _SERVICE, _INDEX) or "[]")
    return names


def _write_name_index(keyring: Any, names: "set[str]") -> None:
    _call_keyring(keyring.set_password, _SERVICE, _INDEX, json.dumps(sorted(names)))


def _call_keyring(function: Any, *arguments: str) -> Any:
    """Call a function of the keyring and return its result, converting its errors to UserErrorException."""
    try:
        return function(*arguments)
    except Exception as error:
        why = str(error).rstrip(".") or type(error).__name__
        raise UserErrorException(
            f"The keyring of the system cannot be used: {why}. Set the secret as a variable in the environment that "
            "the run is submitted from."
        ) from error
