"""Names and passwords of who may look: HTTP basic authentication (RFC 7617) against bcrypt hashes."""

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from types import ModuleType

REMEMBERED = 64
"""Passwords that were right: a scrape each second must not cost a bcrypt each second."""

MAX_PASSWORD = 72
"""Bytes; what bcrypt takes in."""


class PasswordsError(Exception):
    """Passwords cannot be checked on this machine; the message is a sentence for the operator."""


class Passwords:
    """Who may look.

    One hash is computed at a time, and bcrypt lets the interpreter go meanwhile: guessing costs the loop
    nothing and a guesser much. An unknown name costs as much as a known one.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._bcrypt = _bcrypt()
        self._users = {name: text.encode() for name, text in users.items()}
        self._nobody = next(iter(self._users.values()))
        self._secret = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def right(self, authorization: str) -> bool:
        """Whether an Authorization header names a user with the right password."""
        found = _read(authorization)
        if found is None:
            return False
        name, password = found
        seal = hmac.digest(self._secret, f"{len(name)}:{name}:".encode() + password, hashlib.sha256)
        if seal in self._right:
            return True
        with self._one_at_a_time:
            matches: bool = self._bcrypt.checkpw(password, self._users.get(name, self._nobody))
            if not matches or name not in self._users:
                return False
            self._right[seal] = None
            if len(self._right) > REMEMBERED:
                self._right.popitem(last=False)
        return True


def _bcrypt() -> ModuleType:
    try:
        import bcrypt  # noqa: PLC0415 - only who asks for passwords needs it
    except ImportError:
        raise PasswordsError(
            "basic_auth_users needs the library bcrypt: install python3-bcrypt, or vipservice[passwords]"
        ) from None
    return bcrypt


def _read(authorization: str) -> tuple[str, bytes] | None:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
        known = name.decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    # Newer releases of bcrypt raise for what older ones cut off, and a password has no NUL.
    if not colon or len(password) > MAX_PASSWORD or b"\0" in password:
        return None
    return known, password
