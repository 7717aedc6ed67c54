"""hashlib: digests are right, and taken once."""

from __future__ import annotations

import hashlib as reference

import pytest

from usocket import hashlib


@pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
def test_digests(name: str) -> None:
    made = getattr(hashlib, name)(b"some ")
    made.update("text")
    made.update(bytearray(b"!"))
    assert made.digest() == getattr(reference, name)(b"some text!").digest()
    with pytest.raises(ValueError, match="hash is final"):
        made.digest()
    with pytest.raises(ValueError, match="hash is final"):
        made.update(b"x")
    assert not hasattr(made, "hexdigest")


def test_of_nothing() -> None:
    assert hashlib.sha256().digest() == reference.sha256().digest()
    with pytest.raises(TypeError):
        hashlib.sha256(5)
