"""A template that asks for too much is refused where it is checked, or fails where it is rendered: soon and small."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.content.limits import LARGEST_TEXT, MOST_IN_LOOPS
from services.domain.content.problems import RenderProblem, TemplateProblem
from services.domain.content.templates import PLAIN, compile_template

DOUBLED = "{%% assign a = %s %%}{%% for i in (1..60) %%}{%% assign a = a | %s: a %%}{%% endfor %%}{{ a }}"
BOMBS = {
    "a loop": "{% for i in (1..1000000000) %}x{% endfor %}",
    "a loop that says limit": "{% for i in (1..1000000000) limit: 900000000 %}x{% endfor %}",
    "a loop backwards": "{% for i in (1..1000000000) reversed %}x{% endfor %}",
    "a loop that skips": "{% for i in (1..1000000000) offset: 999999999 %}x{% endfor %}",
    "a loop longer than a machine word": "{% for i in (1..99999999999999999999999) %}x{% endfor %}",
    "loops in a loop": "{% for i in (1..999) %}{% for j in (1..999) %}x{% endfor %}{% endfor %}",
    "deep blocks": "{% if a %}" * 3_000 + "{% endif %}" * 3_000,
    "deep loops": "{% for i in (1..2) %}" * 50 + "{% endfor %}" * 50,
    "deep brackets": "{{ a" + "[a" * 3_000 + "]" * 3_000 + " }}",
    "a long condition": "{% if " + " and ".join(["a"] * 5_000) + " %}x{% endif %}",
    "many filters": "{{ a " + "| upcase" * 20_000 + " }}",
    "much text": "x" * 5_000_000,
    "much in loops": "{% for i in (1..1000) %}" + "{% if 1 == 2 %}{% endif %}" * MOST_IN_LOOPS + "{% endfor %}",
    "a joined range": "{{ (1..30000000) | join: ',' }}",
    "a summed range": "{{ (1..1000000000) | sum }}",
    "a searched range": "{% if (1..1000000000) contains 'x' %}y{% endif %}",
    "an assigned range": "{% assign a = (1..1000000000) %}{% if a contains 'x' %}y{% endif %}",
    "a chain of replace": "{{ 'x' " + "| replace: '', 'aaaaaaaaaa'" * 12 + " }}",
    "replace by itself": DOUBLED % ("'xxxxxxxxxx'", "replace: ''"),
    "append": DOUBLED % ("'xxxxxxxxxx'", "append"),
    "prepend": DOUBLED % ("'xxxxxxxxxx'", "prepend"),
    "concat": "{% assign a = 'x,y' | split: ',' %}{% for i in (1..60) %}{% assign a = a | concat: a %}{% endfor %}",
    "join": "{% assign a = 'x' %}" + "{% assign a = a | append: a %}" * 15
    + "{{ a | split: '' | join: a }}",
    "times": DOUBLED % ("99999", "times"),
    "capture": "{% capture a %}x{% endcapture %}{% for i in (1..60) %}"
    "{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}",
    "a huge number": "{{ " + "9" * 5_000 + " }}",
    "an infinite number": "{{ '1e400' | round }}",
    "no number": "{{ 'nan' | ceil }}",
    "no entry": "{{ a | remove: 'x' | uniq: 0 }}",
    "by nothing": "{{ 1 | divided_by: 0 }}",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_where_it_is_checked(name: str) -> None:
    """In a second or two of processor time, and within 50 MB."""
    started = process_time()
    tracemalloc.start()
    try:
        with pytest.raises(TemplateProblem) as refused:
            compile_template("content.email.html", BOMBS[name], html=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.field == "content.email.html"
    assert len(refused.value.message) < 300
    assert peak < 50_000_000
    assert process_time() - started < 10


@pytest.mark.parametrize(
    "source",
    [
        "{{ name | replace: '', name }}",
        "{{ name | split: '' | join: name }}",
        "{% for i in (1..times) %}{{ name }}{% endfor %}",
        "{{ name | append: name }}",
        "{% for i in (1..900) %}{{ name | upcase | downcase | escape | strip | size }}{% endfor %}",
        "{% for i in (1..1000) %}{{ name | upcase | slice: 0 }}{% endfor %}",
    ],
)
def test_what_only_a_person_s_data_make_large_fails_for_that_person(source: str) -> None:
    template = compile_template("f", source)
    started = process_time()
    with pytest.raises(RenderProblem) as failed:
        template.render({"name": "x" * 90_000, "times": 10**9})
    assert len(failed.value.message) < 300
    assert process_time() - started < 10


def test_what_a_mail_needs_is_allowed() -> None:
    """A long list of products, and a long text."""
    row = "<tr><td>{{ i | times: 2 }}</td><td>{{ name | upcase | default: 'you' }}</td></tr>"
    template = compile_template("f", "{% for i in (1..500) %}" + row + "{% endfor %}", html=True)
    assert template.render({"name": "Asha"}).count("<tr>") == 500
    assert compile_template("f", "{{ text | strip | escape }}").render({"text": " " + "x" * (LARGEST_TEXT - 1)})


FRAGMENTS = st.sampled_from(
    ["{{ ", " }}", "{% ", " %}", "a", "'x'", "1", "-1.5", "(1..9)", "for i in ", "endfor", "if ", "endif",
     "assign a = ", "capture a", "endcapture", "case a", "when 1", "endcase", "else", "elsif ", "unless a", "endunless",
     "raw", "endraw", "comment", "endcomment", "cycle 1, 2", "break", "continue", " contains ", " == ", " and ",
     "nil", "a.b", "a[0]", "a[", "]", "nan", "'1e400'", "'2020-13-45'", "\x00", "\u2028", "é", "𝒳", "<", "&", "\r\n"]
    + [f" | {name}" for name in sorted(PLAIN.filters)] + [": 'x'", ": a", ": 0", ": 1", ", 2", ": '%Q%5000d'", ": nil"]
)  # fmt: skip
DATA = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30)),
    max_size=2,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(FRAGMENTS, max_size=14).map("".join), DATA, st.booleans())
def test_whatever_is_written_gives_a_text_or_one_of_our_problems(
    source: str, data: dict[str, object], html: bool
) -> None:
    with suppress(TemplateProblem, RenderProblem):
        assert isinstance(compile_template("f", source, html=html).render(data), str)


ARGUMENTS = st.sampled_from(["", ": 'x'", ": a", ": b", ": 0", ": -1, 2", ": 'x', a", ": a, b", ": nil", ": '%5000d'"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(PLAIN.filters)), ARGUMENTS), min_size=1, max_size=4), DATA, st.booleans()
)
def test_any_chain_of_filters_gives_a_text_or_one_of_our_problems(
    filters: list[tuple[str, str]], data: dict[str, object], html: bool
) -> None:
    source = "{{ a" + "".join(f" | {name}{arguments}" for name, arguments in filters) + " }}"
    with suppress(TemplateProblem, RenderProblem):
        assert isinstance(compile_template("f", source, html=html).render(data), str)
