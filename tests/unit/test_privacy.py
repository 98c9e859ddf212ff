"""Pseudonyms are HMAC-SHA-256 by the standard library's account, and seals open again."""

import hashlib
import hmac
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.dead_letters import bury
from loaders.door import RefusedError
from loaders.errors import GatehouseError
from loaders.privacy import NOBODY, Privacy, email, mark, phone, remember_forgotten, text, verbatim

OLD = "k1:the-first-secret-of-this-test"
BOTH = OLD + ",k2:the-second-secret-of-this-test"
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, st.text("abcdef0123456789", min_size=16, max_size=100))
def test_pseudonym_is_hmac_sha256_cut_to_128_bits(value: str, secret: str) -> None:
    expected = hmac.new(secret.encode(), value.encode(), hashlib.sha256).hexdigest()[:32]
    assert Privacy(f"key7:{secret}").pseudonym(value) == f"key7.{expected}"


def test_one_person_has_one_pseudonym_however_the_address_is_written() -> None:
    privacy = Privacy(OLD)
    assert privacy.replace(" Ada@Example.COM", email) == privacy.replace("ada@example.com", email)
    assert privacy.replace("+82 2-555 01", phone) == privacy.replace("+82255501", phone)


def test_null_and_empty_stay_so_that_completeness_can_be_measured() -> None:
    privacy = Privacy(OLD)
    assert privacy.replace(None, verbatim) is None
    assert privacy.replace("", verbatim) == ""
    assert privacy.replace(["", None], verbatim) == ["", None]


def test_lists_and_objects_are_replaced_element_by_element() -> None:
    privacy = Privacy(OLD)
    replaced = privacy.replace({"name": "Ada", "phones": ["1", 2]}, verbatim)
    assert replaced == {
        "name": privacy.pseudonym("Ada"),
        "phones": [privacy.pseudonym("1"), privacy.pseudonym("2")],
    }


@given(texts, texts)
def test_no_address_or_number_survives_a_scrub(before: str, after: str) -> None:
    text = f"{before} ada.lovelace@example.com {after} +82 2 555 0199 {before}"
    scrubbed = Privacy(OLD).scrub(text)
    assert "lovelace@" not in scrubbed
    assert "555 0199" not in scrubbed


def test_a_scrub_leaves_times_alone() -> None:
    text = '{"at": "2026-03-08T02:30:00.123456+09:00", "n": 1234567890123}'
    assert Privacy(OLD).scrub(text) == text


def test_what_an_earlier_key_sealed_opens_after_rotation() -> None:
    token = Privacy(OLD).seal(b"\xff\x00 as received")
    rotated = Privacy(BOTH)
    assert rotated.unseal(token) == b"\xff\x00 as received"
    assert rotated.pseudonym("x").startswith("k2.")


def test_whoever_is_seen_after_a_rotation_is_linked_to_who_they_were_once() -> None:
    old, rotated = Privacy(OLD), Privacy(BOTH)
    for _ in range(2):
        rotated.replace(["ada@example.com", " ADA@example.com"], email)
    rotated.replace("Dear Ada, all is well", text)
    expected = rotated.pseudonym("ada@example.com"), old.pseudonym("ada@example.com")
    assert list(rotated.links) == [expected]
    assert not old.links


def test_a_record_refused_again_after_a_rotation_is_the_same_dead_letter() -> None:
    refused = RefusedError("not_json", "line 1 column 1")
    old, rotated = (
        bury(Privacy(keys), "user_app", "messages", "7", refused, b"{", None)
        for keys in (OLD, BOTH)
    )
    assert old.dead_letter_id == rotated.dead_letter_id
    assert Privacy(BOTH).unseal(old.payload_sealed) == b"{"


def test_nobody_is_linked_to_a_retired_key_which_opens_and_recognises_all_the_same() -> None:
    retired = Privacy(f"-{BOTH}")
    assert retired.replace("ada@example.com", email)
    assert not retired.links
    assert retired.unseal(Privacy(OLD).seal(b"as received")) == b"as received"
    assert Privacy(OLD).pseudonym("ada") in retired.pseudonyms("ada")


@pytest.mark.parametrize(
    "keys",
    ["", "k1", "k1:short", "k 1:long-enough-a-secret-yes", f"{OLD},x:", f"{OLD},{OLD}", f"-{OLD}"],
)
def test_bad_keys_are_told_without_showing_them(keys: str) -> None:
    with pytest.raises(GatehouseError) as told:
        Privacy(keys)
    assert "GATEHOUSE_PRIVACY_KEYS" in str(told.value)
    assert "secret-of-this-test" not in str(told.value)


@pytest.fixture
def ada_is_forgotten() -> Iterator[None]:
    """By her address, under the first key alone."""
    remember_forgotten([mark(Privacy(OLD).pseudonym("ada@example.com"))])
    yield
    remember_forgotten([])


@pytest.mark.usefixtures("ada_is_forgotten")
def test_whoever_is_forgotten_has_no_pseudonym_under_any_key() -> None:
    for privacy in (Privacy(OLD), Privacy(BOTH)):
        assert privacy.is_forgotten("ada@example.com")
        assert privacy.replace([" Ada@example.com", "bo@example.com"], email) == [
            None,
            privacy.pseudonym("bo@example.com"),
        ]
        assert privacy.scrub("ask ADA@example.com") == f"ask {NOBODY}"


@pytest.mark.usefixtures("ada_is_forgotten")
def test_whoever_is_forgotten_is_marked_under_the_new_key_when_they_are_sent_again() -> None:
    rotated = Privacy(BOTH)
    assert rotated.replace("ada@example.com", email) is None
    new_key = Privacy(BOTH.partition(",")[2])
    assert list(rotated.marks) == [mark(new_key.pseudonym("ada@example.com"))]
    assert not rotated.links


@pytest.mark.usefixtures("ada_is_forgotten")
@pytest.mark.parametrize(
    "sent",
    [
        b'{"data": {"email": "Ada@Example.com"}}',
        b'{"data": {"email": "Ada@Example.c\\u006fm", "n": 1}}',
        b'{"data": {"email": "ada@example.com',
        b"\xff\xfe ada@example.com",
    ],
)
def test_a_broken_record_that_names_the_forgotten_is_known(sent: bytes) -> None:
    assert Privacy(BOTH).tells_of_forgotten(sent)
    assert not Privacy(BOTH).tells_of_forgotten(sent.lower().replace(b"ada", b"bo"))
