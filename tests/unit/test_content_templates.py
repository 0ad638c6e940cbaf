"""Liquid on a short lead: what it prints, what it demands, and how its mistakes are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.content.problems import RenderProblem, TemplateProblem
from services.domain.content.templates import compile_template, render_bound


@pytest.mark.parametrize(
    ("source", "line", "column", "said"),
    [
        ("Hi {{ name", 1, 4, "expected '}}'"),
        ("a\nb {{ name | shout }}", 2, 13, "there is no filter 'shout'"),
        ("a\nHi {% if name %}", 2, 17, "a block is not closed: expected tag endif"),
        ("{% include 'secrets' %}", 1, 4, "unexpected tag 'include'"),
        ("{% render 'secrets' %}", 1, 4, "unexpected tag 'render'"),
        ("{{ name | safe }}", 1, 11, "there is no filter 'safe'"),
        ("{{ name | append }}", 1, 11, "append"),
        ("{% for i in (1..100000) %}x{% endfor %}", 1, 4, "loop iteration limit"),
        ("{% if a %}" * 200 + "{% endif %}" * 200, 1, None, "nesting"),
    ],
)
def test_a_broken_template_is_told_with_its_place(source: str, line: int, column: int | None, said: str) -> None:
    """Field, line and column (from 1) of the mistake, and what it is; nothing from outside can be included."""
    with pytest.raises(TemplateProblem) as caught:
        compile_template("content.sms.text", source)
    problem = caught.value
    assert (problem.field, problem.problem, problem.line) == ("content.sms.text", "broken_template", line)
    assert column is None or problem.column == column
    assert said in problem.message


def test_output_and_memory_are_bounded() -> None:
    """A template cannot grow without end, whatever it assigns to itself."""
    with pytest.raises(TemplateProblem, match="more than 100000 characters"):
        compile_template(
            "f", "{% assign a = 'xxxxxxxx' %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}"
        )
    doubling = compile_template("f", "{% for i in (1..1000) %}{{ text }}{% endfor %}")
    with pytest.raises(RenderProblem, match="output"):
        doubling.render({"text": "x" * 100_000})


@pytest.mark.parametrize(
    ("source", "used", "required"),
    [
        ("Hi {{ name }}", {"name"}, {"name"}),
        ("Hi {{ name | default: 'there' }}", {"name"}, set()),
        ("{{ nick | default: name | upcase }}", {"nick", "name"}, {"name"}),
        ("{% if name %}{{ name }}{% else %}{{ name }}{% endif %}", {"name"}, set()),
        ("{% if vip %}{{ name }}{% endif %}", {"vip", "name"}, {"name"}),
        ("{% assign city = town %}{{ city }}", {"town"}, {"town"}),
        ("{% assign name = name | default: 'x' %}{{ name }}", {"name"}, set()),
        ("{% for day in days %}{{ day }} {{ forloop.index }}{% endfor %}", {"days"}, {"days"}),
        ("{% capture x %}{{ city }}{% endcapture %}{{ x }}", {"city"}, {"city"}),
        ("{% case plan %}{% when 'gold' %}{{ plan }}{% endcase %}", {"plan"}, set()),
        ("no placeholder", set(), set()),
    ],
)
def test_placeholders_and_which_of_them_are_required(source: str, used: set[str], required: set[str]) -> None:
    """Required: printed without a default and outside a condition that looks at it. Own variables do not count."""
    usage = compile_template("f", source).usage
    assert usage.used == used
    assert usage.required == required


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=20), st.floats(allow_nan=False)
)
PIECES = st.sampled_from(
    ["Hi ", "{{ name }}", "{{ name | default: 'you' }}", "{{ city | upcase }}", " & ", "{{ n | plus: 1 }}",
     '{{ name | default: "<b>" }}', "{{ name | escape }}", "{{ city | truncate: 5 }}"]
)  # fmt: skip


@given(
    st.lists(PIECES, max_size=6), st.fixed_dictionaries({"name": VALUES, "city": VALUES, "n": VALUES}), st.booleans()
)
def test_the_quick_way_prints_what_liquid_prints(pieces: list[str], data: dict[str, object], html: bool) -> None:
    """Joining parts is an optimisation: it never changes a byte of what Liquid itself would print."""
    template = compile_template("f", "".join(pieces), html=html)
    assert template.parts is not None
    try:
        slowly = render_bound("f", template.bound, data)
    except RenderProblem:
        with pytest.raises(RenderProblem):
            template.render(data)
        return
    assert template.render(data) == slowly


def test_values_are_escaped_in_html_and_only_there() -> None:
    data = {"name": "<b>Tom & Jerry</b>"}
    assert (
        compile_template("f", "<p>{{ name }}</p>", html=True).render(data)
        == "<p>&lt;b&gt;Tom &amp; Jerry&lt;/b&gt;</p>"
    )
    assert compile_template("f", "{{ name }}").render(data) == "<b>Tom & Jerry</b>"
