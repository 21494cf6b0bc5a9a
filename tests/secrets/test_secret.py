"""A secret never shows, and a stack knows it by its name and a digest only."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import pytest

from nexusctl.errors import StepError
from nexusctl.model.record import decode, encode
from nexusctl.model.secret import Secret, SecretFile, SecretRef, SecretText, SecretUse, reveal_text, withhold
from nexusctl.model.stack import Sandbox
from nexusctl.secrets.digest import digest_secret

VALUE = "canary-4711"
SECRET = Secret(VALUE.encode())


def test_a_secret_prints_as_redacted_however_it_is_printed(caplog: pytest.LogCaptureFixture) -> None:
    ref = SecretRef(name="pin", source="variable", given=SECRET)
    logging.getLogger("test").warning("%s %r", SECRET, ref)
    shown = [str(SECRET), repr(SECRET), f"{SECRET}", f"{SECRET!r:>20}", repr([SECRET]), repr(ref)]
    assert all("[redacted]" in text and VALUE not in text for text in (*shown, caplog.text))


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, copy.deepcopy, vars])
def test_a_secret_cannot_be_written(write: object) -> None:
    with pytest.raises(TypeError) as caught:
        write(SECRET)  # type: ignore[operator]
    assert VALUE not in "".join(traceback.format_exception(caught.value))


def test_a_record_holds_names_and_digests_and_comes_back_equal() -> None:
    text = SecretText(parts=("postgres://app:", SecretUse(secret="pin", digest="scrypt:ab"), "@db"))
    file = SecretFile(secret="pin", name="pin.txt", digest="scrypt:ab")
    sandbox = Sandbox(name="a", group="a", image="x", env={"URL": text, "PLAIN": "1"}, secrets=(file,))
    record = encode(sandbox)
    assert decode(record) == sandbox
    assert json.loads(record)["sandbox"]["env"]["URL"] == {
        "parts": ["postgres://app:", {"secret": "pin", "digest": "scrypt:ab"}, "@db"]
    }


def test_a_text_is_put_together_only_for_whoever_may_see_it() -> None:
    text = SecretText(parts=("a", SecretUse(secret="pin"), "b", SecretUse(secret="pin")))
    assert reveal_text(text, lambda use: SECRET) == f"a{VALUE}b{VALUE}".encode()
    assert VALUE not in repr(text)
    with pytest.raises(StepError, match="the value of secret pin was not read"):
        reveal_text(text, withhold)


def test_a_digest_tells_values_stacks_and_names_apart_and_nothing_else() -> None:
    digests = [
        digest_secret("shop", "pin", Secret(b"1234")),
        digest_secret("shop", "pin", Secret(b"1235")),
        digest_secret("shop", "pin2", Secret(b"1234")),
        digest_secret("shop2", "pin", Secret(b"1234")),
    ]
    assert len(set(digests)) == 4
    assert digest_secret("shop", "pin", Secret(b"1234")) == digests[0]


def test_a_digest_is_the_same_on_every_machine_and_in_every_version() -> None:
    """A change of the cost or of the salt would show every secret of every stack as changed."""
    assert digest_secret("shop", "pin", Secret(b"1234")) == "scrypt:e7c0eab301793a78f3307ca225723f45"
