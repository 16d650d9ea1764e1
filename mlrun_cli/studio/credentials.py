"""The studio's credentials: its token, the cookie of signed-in browsers, and the CSRF tokens of forms."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_SALT_LENGTH = 16


class Credentials:
    """The token of the studio, and the cookie and CSRF tokens derived from it.

    They do not reveal the token, and are valid as long as the token is, so restarting the studio signs nobody out.
    """

    def __init__(self, token: str, home: str) -> None:
        self.token = token
        # Cookies do not depend on the port, and two studios on a machine must not overwrite each other's.
        self.cookie_name = f"mlrun-studio-{self._derive_key('name', home)[:8]}"
        self.cookie = self._derive_key("session")

    def is_valid_token(self, token: str) -> bool:
        """Return whether a string is the token."""
        return hmac.compare_digest(token.strip().encode(), self.token.encode())

    def is_valid_session_cookie(self, cookie_value: str | None) -> bool:
        """Return whether a string is the value of the session cookie of signed-in browsers."""
        return cookie_value is not None and hmac.compare_digest(cookie_value.encode(), self.cookie.encode())

    def create_csrf_token(self) -> str:
        """Create a CSRF token for a form, salted so that the sizes of compressed pages do not reveal it."""
        salt = secrets.token_hex(_SALT_LENGTH // 2)
        return f"{salt}{self._derive_key('form', salt)}"

    def is_valid_csrf_token(self, csrf_token: str | None) -> bool:
        """Return whether a string is a valid CSRF token of the studio."""
        if csrf_token is None:
            return False
        salt, digest = csrf_token[:_SALT_LENGTH], csrf_token[_SALT_LENGTH:]
        return hmac.compare_digest(digest.encode(), self._derive_key("form", salt).encode())

    def _derive_key(self, purpose: str, suffix: str = "") -> str:
        """Return a key for a purpose, derived from the token with HMAC."""
        return hmac.new(self.token.encode(), f"{purpose}\0{suffix}".encode(), hashlib.sha256).hexdigest()
