"""Who may speak: HMAC-SHA256 over everything that comes before it, key id included (RFC 2104, RFC 6234).

With keys on both sides an advert without a right signature is refused; without keys on either side an
unsigned one counts. A mixture is refused in both directions, each with its own reason: it is a
configuration that somebody has not finished.

A signature says who may speak, not when it was said: recordings are the election's business (incarnation,
sequence, and the peers heard).
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import NoReturn

from vipservice.core.messages import Advert
from vipservice.wire.advert import SIGNATURE_SIZE, decode
from vipservice.wire.errors import DecodeError
from vipservice.wire.header import KEY_ID, KEY_ID_OFFSET, UNSIGNED, read_start

MAX_KEY_ID = 2**32 - 1

_BLOCK = 64
"""Bytes that SHA-256 takes in at a time, and to which a secret is filled up (RFC 2104, section 2)."""


class _Key:
    """HMAC-SHA256 with one secret, whose two blocks are hashed once and not for each advert.

    `hmac.digest` looks SHA-256 up in OpenSSL and hashes the secret each time: twice the time of this, where a
    daemon that has slept an interval finds nothing of either in the processor's caches.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, message: bytes) -> bytes:
        """Make the 32 bytes of the signature."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class Keyring:
    """The keys of this node by id: the first signs, all verify, so that keys rotate without an outage.

    Its repr names the ids; the secrets appear nowhere.
    """

    __slots__ = ("_keys", "_signing_id")

    def __init__(self, keys: Mapping[int, bytes] | None = None) -> None:
        secrets = dict(keys or {})
        for key_id, secret in secrets.items():
            if not 1 <= key_id <= MAX_KEY_ID:
                raise ValueError(f"key id {key_id} is not within 1 to {MAX_KEY_ID}")
            if not secret:
                raise ValueError(f"the secret of key {key_id} is empty")
        self._keys = {key_id: _Key(secret) for key_id, secret in secrets.items()}
        self._signing_id = next(iter(self._keys), None)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __repr__(self) -> str:
        return f"Keyring(ids={list(self._keys)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys stay in memory: a Keyring is not pickled or copied")

    @property
    def signing_id(self) -> int | None:
        """The key that signs, None where there is none."""
        return self._signing_id

    def sign(self, key_id: int, message: bytes) -> bytes:
        """Make the 32 bytes that prove knowledge of key `key_id`.

        Raises:
            DecodeError: unknown_key.
        """
        key = self._keys.get(key_id)
        if key is None:
            raise DecodeError("unknown_key", f"key {key_id} is not one of ours")
        return key.digest(message)


def seal(body: bytes, keyring: Keyring) -> bytes:
    """Make a datagram of an unsigned body: signed with the first key, or as it is where there is none."""
    key_id = keyring.signing_id
    if key_id is None:
        return body
    signed = body[:KEY_ID_OFFSET] + KEY_ID.pack(key_id) + body[KEY_ID_OFFSET + KEY_ID.size :]
    return signed + keyring.sign(key_id, signed)


def open_sealed(datagram: bytes, keyring: Keyring) -> bytes:
    """Return the body of a datagram that is rightly signed, or that rightly is not. Padding is dropped.

    Raises:
        DecodeError: short, not_advert, version or length before anything is computed; then unsigned, signed,
            unknown_key or bad_signature.
    """
    length, key_id = read_start(datagram)
    body = datagram[:length]
    if key_id == UNSIGNED:
        if keyring:
            raise DecodeError("unsigned", "it carries no signature and we have keys")
        return body
    if not keyring:
        raise DecodeError("signed", f"it is signed with key {key_id} and we have none")
    _verify(body, datagram[length : length + SIGNATURE_SIZE], key_id, keyring)
    return body


def _verify(body: bytes, signature: bytes, key_id: int, keyring: Keyring) -> None:
    if len(signature) < SIGNATURE_SIZE:
        raise DecodeError("short", f"{len(signature)} of the {SIGNATURE_SIZE} bytes of its signature")
    if not hmac.compare_digest(keyring.sign(key_id, body), signature):
        raise DecodeError("bad_signature", f"the signature with key {key_id} is wrong")


def read(datagram: bytes, keyring: Keyring) -> Advert:
    """Verify and decode a datagram in one go.

    Raises:
        DecodeError: Any of ADVERT_REASONS.
    """
    return decode(open_sealed(datagram, keyring))
