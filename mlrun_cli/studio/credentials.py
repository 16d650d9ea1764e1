"""The studio's credentials: its token, the cookie of signed-in browsers, and the CSRF tokens of forms."""

from __future__ import annotations

import hmac
import secrets

from mlrun_cli.serving.studio_folder import derive_key

_SALT_LENGTH = 16


class Credentials:
    """The token of the studio, and the cookie, CSRF tokens and API key derived from it.

    They do not reveal the token, and are valid as long as the token is, so restarting the studio signs nobody out.
    """

    def __init__(self, token: str, home: str) -> None:
        self.token = token
        # Cookies do not depend on the port, and two studios on a machine must not overwrite each other's.
        self.cookie_name = f"mlrun-studio-{derive_key(token, 'name', home)[:8]}"
        self.cookie = derive_key(self.token, "session")

    def is_valid_token(self, token: str) -> bool:
        """Return whether a string is the token of the studio, ignoring white space around it."""
        return hmac.compare_digest(token.strip().encode(), self.token.encode())

    def is_valid_session_cookie(self, cookie_value: str | None) -> bool:
        """Return whether a string is the value of the session cookie of signed-in browsers."""
        return cookie_value is not None and hmac.compare_digest(cookie_value.encode(), self.cookie.encode())

    def create_csrf_token(self) -> str:
        """Create a CSRF token for a form, salted so that the sizes of compressed pages do not reveal it."""
        salt = secrets.token_hex(_SALT_LENGTH // 2)
        return f"{salt}{derive_key(self.token, 'form', salt)}"

    def is_valid_csrf_token(self, csrf_token: str | None) -> bool:
        """Return whether a string is a valid CSRF token of the studio."""
        if csrf_token is None:
            return False
        salt, digest = csrf_token[:_SALT_LENGTH], csrf_token[_SALT_LENGTH:]
        return hmac.compare_digest(digest.encode(), derive_key(self.token, "form", salt).encode())

    def is_valid_authorization(self, header: str) -> bool:
        """Return whether the value of an `Authorization` header is the API key with the scheme `Bearer`."""
        scheme, _, key = header.partition(" ")
        is_bearer = scheme.lower() == "bearer"
        return hmac.compare_digest(key.strip().encode(), derive_key(self.token, "api").encode()) and is_bearer
