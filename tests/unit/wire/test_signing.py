"""Who is let in: signed and unsigned adverts, rotation, and what is never shown."""

import hashlib
import hmac
import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from vipservice.core.messages import Advert
from vipservice.wire.advert import encode
from vipservice.wire.errors import DecodeError
from vipservice.wire.signing import Keyring, open_sealed, read, seal

MakeBody = Callable[..., bytes]

SECRET = b"not to be seen"
NO_KEYS = Keyring()


def reason_for(datagram: bytes, keyring: Keyring) -> str:
    with pytest.raises(DecodeError) as refusal:
        read(datagram, keyring)
    assert SECRET.decode() not in str(refusal.value)
    return refusal.value.reason


def test_a_signed_advert_is_read_by_whoever_has_the_key(advert: Advert, keyring: Keyring) -> None:
    assert read(seal(encode(advert), keyring), keyring) == advert


def test_without_keys_on_both_sides_an_unsigned_advert_counts(advert: Advert) -> None:
    datagram = seal(encode(advert), NO_KEYS)
    assert datagram == encode(advert)
    assert read(datagram, NO_KEYS) == advert


def test_the_signature_is_hmac_sha256_over_everything_before_it(advert: Advert) -> None:
    datagram = seal(encode(advert), Keyring({0x01020304: SECRET}))
    assert datagram[8:12] == b"\x01\x02\x03\x04"
    assert datagram[-32:] == hmac.new(SECRET, datagram[:-32], hashlib.sha256).digest()
    assert datagram[:8] + bytes(4) + datagram[12:-32] == encode(advert)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200])
def test_secrets_of_any_length_sign_as_hmac_does(advert: Advert, size: int) -> None:
    secret = bytes(range(1, 201))[:size]
    datagram = seal(encode(advert), Keyring({1: secret}))
    assert datagram[-32:] == hmac.digest(secret, datagram[:-32], "sha256")
    assert seal(encode(advert), Keyring({1: secret})) == datagram


def test_the_first_key_signs_and_every_key_verifies(advert: Advert) -> None:
    old_first = Keyring({1: b"old", 2: b"new"})
    new_first = Keyring({2: b"new", 1: b"old"})
    assert (old_first.signing_id, new_first.signing_id) == (1, 2)
    assert read(seal(encode(advert), old_first), new_first) == advert
    assert read(seal(encode(advert), new_first), old_first) == advert


def test_opening_gives_the_body_and_drops_the_padding(advert: Advert, keyring: Keyring) -> None:
    datagram = seal(encode(advert), keyring)
    assert open_sealed(datagram + bytes(17), keyring) == datagram[:-32]
    assert read(datagram + b"whatever", keyring) == advert


def test_unsigned_is_refused_where_there_are_keys(advert: Advert, keyring: Keyring) -> None:
    assert reason_for(seal(encode(advert), NO_KEYS), keyring) == "unsigned"


def test_signed_is_refused_where_there_is_no_key(advert: Advert, keyring: Keyring) -> None:
    assert reason_for(seal(encode(advert), keyring), NO_KEYS) == "signed"


def test_a_key_that_we_do_not_have_is_named(advert: Advert, keyring: Keyring) -> None:
    datagram = seal(encode(advert), Keyring({77: SECRET}))
    assert reason_for(datagram, keyring) == "unknown_key"
    with pytest.raises(DecodeError, match="key 77"):
        read(datagram, keyring)


def test_the_right_id_with_another_secret_is_refused(advert: Advert) -> None:
    assert reason_for(seal(encode(advert), Keyring({1: SECRET})), Keyring({1: b"ours"})) == "bad_signature"


def test_the_key_id_is_signed_too(advert: Advert) -> None:
    both = Keyring({1: SECRET, 2: SECRET})
    datagram = seal(encode(advert), both)
    assert reason_for(datagram[:8] + b"\0\0\0\x02" + datagram[12:], both) == "bad_signature"


def test_taking_the_signature_off_does_not_make_an_unsigned_advert(advert: Advert, keyring: Keyring) -> None:
    datagram = seal(encode(advert), keyring)
    assert reason_for(datagram[:8] + bytes(4) + datagram[12:-32], keyring) == "unsigned"


@pytest.mark.parametrize("missing", [1, 31, 32])
def test_a_cut_signature_is_short(advert: Advert, keyring: Keyring, missing: int) -> None:
    assert reason_for(seal(encode(advert), keyring)[:-missing], keyring) == "short"


def test_cheap_checks_come_before_the_hash(
    make_body: MakeBody, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> bytes:
        raise AssertionError("hashed a datagram that the header alone condemns")

    monkeypatch.setattr(Keyring, "sign", never)
    signature = bytes(32)
    assert reason_for(make_body(magic=b"VRRP", key_id=7, padding=signature), keyring) == "not_advert"
    assert reason_for(make_body(version=9, key_id=7, padding=signature), keyring) == "version"
    assert reason_for(make_body(length=9, key_id=7, padding=signature), keyring) == "length"
    assert reason_for(make_body(key_id=7), keyring) == "short"


def test_signatures_are_compared_in_constant_time(
    advert: Advert, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def spy(ours: bytes, theirs: bytes) -> bool:
        compared.append((ours, theirs))
        return ours == theirs

    monkeypatch.setattr(hmac, "compare_digest", spy)
    datagram = seal(encode(advert), keyring)
    read(datagram, keyring)
    assert compared == [(datagram[-32:], datagram[-32:])]


def test_a_wrong_body_rightly_signed_is_still_refused(make_body: MakeBody, keyring: Keyring) -> None:
    assert reason_for(seal(make_body(), keyring), keyring) == "missing"


def test_signing_leaves_the_value_alone(advert: Advert, keyring: Keyring) -> None:
    later = replace(advert, sequence=5)
    assert read(seal(encode(later), keyring), keyring).sequence == 5


class TestKeyring:
    def test_shows_ids_and_no_secret(self) -> None:
        ring = Keyring({1: SECRET, 2: b"another"})
        assert repr(ring) == str(ring) == "Keyring(ids=[1, 2])"

    def test_is_false_when_empty(self) -> None:
        assert not Keyring()
        assert not Keyring({})
        assert Keyring({1: SECRET})
        assert Keyring().signing_id is None

    @pytest.mark.parametrize("key_id", [0, -1, 2**32])
    def test_refuses_ids_that_have_no_place_on_the_wire(self, key_id: int) -> None:
        with pytest.raises(ValueError, match="key id") as refusal:
            Keyring({key_id: SECRET})
        assert SECRET.decode() not in str(refusal.value)

    def test_takes_the_greatest_id(self, advert: Advert) -> None:
        ring = Keyring({2**32 - 1: SECRET})
        assert read(seal(encode(advert), ring), ring) == advert

    def test_refuses_an_empty_secret(self) -> None:
        with pytest.raises(ValueError, match="secret of key 5 is empty"):
            Keyring({5: b""})

    def test_a_later_change_of_the_mapping_changes_nothing(self, advert: Advert) -> None:
        keys = {1: SECRET}
        ring = Keyring(keys)
        keys[1] = b"changed"
        assert read(seal(encode(advert), ring), Keyring({1: SECRET})) == advert

    def test_is_not_written_to_a_file_by_accident(self) -> None:
        with pytest.raises(TypeError, match="stay in memory"):
            pickle.dumps(Keyring({1: SECRET}))
