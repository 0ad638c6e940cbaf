"""Links in messages: nobody can make one for somebody else, nor use one for another page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.links import PREFERENCES, UNSUBSCRIBE, BadTokenError, LinkTarget, make_token, read_token

TARGET = LinkTarget("default/c-1", "email", "summer/1/c-1")


@given(st.text(), st.text(), st.text())
def test_a_token_gives_back_what_it_was_made_of(recipient: str, channel: str, send_id: str) -> None:
    target = LinkTarget(recipient, channel, send_id)
    assert read_token("s", UNSUBSCRIBE, make_token("s", UNSUBSCRIBE, target)) == target


def test_tokens_are_short_and_safe_in_an_address() -> None:
    token = make_token("s", UNSUBSCRIBE, TARGET)
    assert len(token) < 80
    assert token.replace("-", "").replace("_", "").isalnum()


@given(st.data())
def test_an_altered_token_is_refused(data: st.DataObject) -> None:
    """Changing any character breaks it (of the last one, two bits carry nothing)."""
    token = make_token("s", UNSUBSCRIBE, TARGET)
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABCDabcd0189-_").filter(lambda c: c != token[place]))
    with pytest.raises(BadTokenError):
        read_token("s", UNSUBSCRIBE, token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", "x", "!!!!", "é" * 30, "A" * 5000, "A" * 40])
def test_rubbish_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        read_token("s", UNSUBSCRIBE, token)


def test_a_token_of_another_purpose_or_secret_is_refused() -> None:
    with pytest.raises(BadTokenError):
        read_token("s", PREFERENCES, make_token("s", UNSUBSCRIBE, TARGET))
    with pytest.raises(BadTokenError):
        read_token("other", UNSUBSCRIBE, make_token("s", UNSUBSCRIBE, TARGET))


def test_without_a_secret_no_link_is_made() -> None:
    with pytest.raises(ValueError, match="PEAL_LINK_SECRET"):
        make_token("", UNSUBSCRIBE, TARGET)
