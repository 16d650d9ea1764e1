"""Credentials of the studio: its token, the cookie of a signed-in browser, and the CSRF tokens of forms."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_SALT_LENGTH = 16


class Credentials:
    """The token, with the cookie and the CSRF tokens derived from it.

    Neither reveals the token. Both stay valid as long as the token does, so a restart of the studio signs nobody out.
    """

    def __init__(self, token: str, home: str) -> None:
        self.token = token
        # Cookies are not separated by port: two studios on one machine must not overwrite each other's.
        self.cookie_name = f"mlrun-studio-{self._derive('name', home)[:8]}"
        self.cookie = self._derive("session")

    def is_token(self, text: str) -> bool:
        """Return whether this is the token."""
        return hmac.compare_digest(text.strip().encode(), self.token.encode())

    def is_cookie(self, text: str | None) -> bool:
        """Return whether this is the cookie of a signed-in browser."""
        return text is not None and hmac.compare_digest(text.encode(), self.cookie.encode())

    def create_csrf_token(self) -> str:
        """Create a CSRF token for a form; each differs, so that the size of a compressed page does not reveal it."""
        salt = secrets.token_hex(_SALT_LENGTH // 2)
        return f"{salt}{self._derive('form', salt)}"

    def is_csrf_token(self, text: str | None) -> bool:
        """Return whether this is a CSRF token of the studio."""
        if text is None:
            return False
        salt, digest = text[:_SALT_LENGTH], text[_SALT_LENGTH:]
        return hmac.compare_digest(digest.encode(), self._derive("form", salt).encode())

    def _derive(self, purpose: str, suffix: str = "") -> str:
        return hmac.new(self.token.encode(), f"{purpose}\0{suffix}".encode(), hashlib.sha256).hexdigest()
