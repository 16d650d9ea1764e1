"""Who may use the studio: whoever knows its token, and then the browser that has shown it."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_SALT_LENGTH = 16


class Access:
    """The token, and what follows from it: the cookie of a browser, and the word that every form carries.

    Neither tells the token, and both hold for as long as it does: a studio that is started again knows its browsers.
    """

    def __init__(self, token: str, home: str) -> None:
        self.token = token
        # Cookies do not tell ports apart: two studios on one machine must not take each other's.
        self.cookie_name = f"mlrun-studio-{self._derived('name', home)[:8]}"
        self.cookie = self._derived("session")

    def is_token(self, text: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(text.strip().encode(), self.token.encode())

    def is_cookie(self, text: str | None) -> bool:
        """Whether a browser that sends this has shown the token."""
        return text is not None and hmac.compare_digest(text.encode(), self.cookie.encode())

    def form_word(self) -> str:
        """A word for the forms of a page; always another one, for the length of a compressed page must not tell it."""
        salt = secrets.token_hex(_SALT_LENGTH // 2)
        return f"{salt}{self._derived('form', salt)}"

    def is_form_word(self, text: str | None) -> bool:
        """Whether a form with this word is one of the studio's own pages."""
        if text is None:
            return False
        salt, derived = text[:_SALT_LENGTH], text[_SALT_LENGTH:]
        return hmac.compare_digest(derived.encode(), self._derived("form", salt).encode())

    def _derived(self, purpose: str, more: str = "") -> str:
        return hmac.new(self.token.encode(), f"{purpose}\0{more}".encode(), hashlib.sha256).hexdigest()
