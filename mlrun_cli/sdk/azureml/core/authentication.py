"""Azure's authentication classes, which are accepted wherever Azure accepts them, but ignored.

Only their header has a use: the studio wants it from programs that submit published pipelines by HTTP.

Passwords and tokens are not stored.
"""

from enum import Enum
from typing import Any

from azureml._client.client import get_client
from azureml.exceptions import AuthenticationException, AzureMLException, UserErrorException

__all__ = [
    "AbstractAuthentication",
    "ArmTokenAuthentication",
    "Audience",
    "AuthenticationException",
    "AzureCliAuthentication",
    "AzureMLException",
    "AzureMLTokenAuthentication",
    "InteractiveLoginAuthentication",
    "MsiAuthentication",
    "ServicePrincipalAuthentication",
    "TokenAuthentication",
    "UserErrorException",
]


class Audience(Enum):
    """The service for which a token is intended."""

    ARM = "ARM"
    AZUREML = "AZUREML"


class AbstractAuthentication:
    """Base class of authentications, which can be passed as arguments but provide no tokens of Azure."""

    def __init__(self, cloud: "str | None" = None) -> None:
        pass

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def get_authentication_header(self) -> "dict[str, str]":
        """Return the HTTP header that authorizes a POST to the `endpoint` of a published pipeline.

        Raises:
            AuthenticationException: No studio is running, or this script is on another machine.
        """
        try:
            header: dict[str, str] = get_client().request("studio.authorization")
        except AzureMLException as error:
            raise AuthenticationException(f"{type(self).__name__}.get_authentication_header(): {error}") from error
        return header

    def get_token(self, *scopes: Any, **kwargs: Any) -> Any:
        """Raise AuthenticationException, since there is no service to authenticate to."""
        raise self._create_unsupported_error("get_token(…)")

    def signed_session(self, session: object = None) -> Any:
        """Raise AuthenticationException, since there is no service to authenticate to."""
        raise self._create_unsupported_error("signed_session()")

    def _create_unsupported_error(self, call: str) -> AuthenticationException:
        return AuthenticationException(
            f"{type(self).__name__}.{call} would need Azure, and the workspace is on this machine: there is no service "
            "to send a token to. Ask the SDK instead of the service's addresses."
        )


class InteractiveLoginAuthentication(AbstractAuthentication):
    """Azure's login in a browser, which is not needed here."""

    def __init__(self, force: bool = False, tenant_id: "str | None" = None, cloud: "str | None" = None) -> None:
        super().__init__(cloud)


class AzureCliAuthentication(AbstractAuthentication):
    """Azure's authentication as the user of `az login`, which is not needed here."""


class ServicePrincipalAuthentication(AbstractAuthentication):
    """Azure's authentication as a service principal, which is not needed here.

    The first versions of Azure's SDK named the principal `username`, and its password `password`.
    """

    def __init__(
        self,
        tenant_id: str,
        service_principal_id: "str | None" = None,
        service_principal_password: "str | None" = None,
        cloud: str = "AzureCloud",
        _enable_caching: bool = True,
        *,
        username: "str | None" = None,
        password: "str | None" = None,
    ) -> None:
        super().__init__(cloud)


class MsiAuthentication(AbstractAuthentication):
    """Azure's authentication by managed identity, which is not needed here."""

    def __init__(self, cloud: "str | None" = None, **kwargs: Any) -> None:
        super().__init__(cloud)


class ArmTokenAuthentication(AbstractAuthentication):
    """Azure's authentication by an existing token, which is not needed here."""

    def __init__(self, arm_access_token: str, cloud: str = "None") -> None:
        super().__init__(cloud)

    def update_arm_access_token(self, new_arm_access_token: str) -> None:
        """Accept and ignore the token."""


class TokenAuthentication(AbstractAuthentication):
    """Azure's authentication by a function that returns tokens, which is never called here."""

    def __init__(self, get_token_for_audience: object, cloud: "str | None" = None) -> None:
        super().__init__(cloud)

    def get_token(self, audience: Audience = Audience.ARM) -> Any:
        """Raise AuthenticationException, since there is no service to authenticate to."""
        raise self._create_unsupported_error("get_token(…)")


class AzureMLTokenAuthentication(AbstractAuthentication):
    """Azure's authentication by the token of a run, which is not needed here."""

    def __init__(
        self,
        azureml_access_token: str,
        expiry_time: object = None,
        host: "str | None" = None,
        subscription_id: "str | None" = None,
        resource_group_name: "str | None" = None,
        workspace_name: "str | None" = None,
        experiment_name: "str | None" = None,
        run_id: "str | None" = None,
        user_email: "str | None" = None,
        experiment_id: "str | None" = None,
        cloud: str = "AzureCloud",
    ) -> None:
        super().__init__(cloud)

    @classmethod
    def create(
        cls,
        azureml_access_token: str,
        expiry_time: object,
        host: str,
        subscription_id: str,
        resource_group_name: str,
        workspace_name: str,
        experiment_name: str,
        run_id: str,
        user_email: "str | None" = None,
        experiment_id: "str | None" = None,
    ) -> "AzureMLTokenAuthentication":
        """Return an authentication object; all arguments are ignored."""
        return cls(azureml_access_token)

    def set_token(self, token: str, expiry_time: object) -> None:
        """Accept and ignore the token."""

    @property
    def token(self) -> str:
        """Raise AuthenticationException, since there is no service to authenticate to."""
        raise self._create_unsupported_error("token")

    @property
    def expiry_time(self) -> Any:
        """Raise AuthenticationException, since there is no service to authenticate to."""
        raise self._create_unsupported_error("expiry_time")
