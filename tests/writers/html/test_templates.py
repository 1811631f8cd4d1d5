"""Own templates of a site: what they may do, what they may not, and that they are documented as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, nodes
from msgspec import structs
from selectolax.lexbor import LexborHTMLParser

from aggregator.errors import TemplateMistake
from aggregator.model.struct import replace
from aggregator.writers import SITE_WRITERS
from aggregator.writers.channel import Channel, Item
from aggregator.writers.html import sandbox
from aggregator.writers.html.calendar_page import CalendarPage
from aggregator.writers.html.entry_view import EntryView
from aggregator.writers.html.feed_page import Html
from aggregator.writers.html.locale import locale_of
from aggregator.writers.html.members_page import MembersPage
from aggregator.writers.html.page_variables import MAX_QUERY
from aggregator.writers.html.sandbox import FILTERS, MAX_CHARACTERS, MAX_ROUNDS
from aggregator.writers.html.search_page import SearchResults, results_page
from aggregator.writers.html.template_trial import trial_mistakes
from aggregator.writers.html.templates import COMMON, TEMPLATES, mistakes, render
from aggregator.writers.page_look import PageLook
from tests.support.channels import article_with, channel_of, item_of
from tests.support.overviews import FILES, SEEN, followed_of, overview_of, section_of

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "aggregator" / "writers" / "html" / "pages"
FILES_OF_PAGES = sorted(file for file in PAGES.iterdir() if file.suffix != ".js")
PLAIN = locale_of(None, "UTC")
GROWING = "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(99) %}"
VARYING = "{% macro m(n) %}"
ENCODING = "{% set n = namespace(x='%') %}{% for i in range(99999) %}"
FOOTER = "{% block footer %}<p>Tea</p>{% endblock %}"
EVIL = "<script>alert(1)</script>\"'&"


def look(**templates: str) -> PageLook:
    """A look with these templates; `category_html` is `category.html`."""
    named = ((name.replace("_", "."), text) for name, text in templates.items())
    return PageLook(templates=tuple(named), folder="templates", mark="own")


def page(of: PageLook, *items: Item, **changes: Any) -> str:
    """The page of a category with this look."""
    return Html().render(channel_of(*items, files=FILES, look=of, **changes)).decode()


def rendered(body: str, **facts: Any) -> str:
    """A template of this text alone."""
    return render("entry.html", look(entry_html=body), PLAIN, **facts).decode()


def wrong(**templates: str) -> list[str]:
    return list(mistakes(look(**templates)))


def test_a_template_replaces_one_block_of_ours() -> None:
    """The rest of the page stays as it is."""
    own = look(
        category_html="{% extends 'built-in/category.html' %}{% block footer %}<p>Tea</p>{% endblock %}"
    )
    ours, theirs = page(PageLook(), item_of()), page(own, item_of())
    assert theirs.replace("<p>Tea</p>", "") == ours


def test_a_page_that_others_extend_is_replaced_for_all() -> None:
    """Ours extend the own `page.html`."""
    own = look(page_html=f"{{% extends 'built-in/page.html' %}}{FOOTER}")
    assert "<p>Tea</p>" in page(own, item_of())
    status, start = SITE_WRITERS["html"][1], SITE_WRITERS["html"][0]
    assert b"<p>Tea</p>" in status.render(overview_of(followed=(followed_of(),), look=own))
    assert b"<p>Tea</p>" in start.render(overview_of(section_of(), look=own))


def test_our_own_templates_are_templates_as_anybody_may_write_them() -> None:
    """Copied into a folder, all of them, they give the same bytes; `entry.html` those of the faster way."""
    copies = tuple((file.name, file.read_text()) for file in FILES_OF_PAGES)
    assert {name for name, _ in copies} == set(TEMPLATES)
    own = PageLook(templates=copies, folder="templates", mark="own")
    assert list(mistakes(own)) == []
    items = (
        item_of(),
        item_of(article_with(title=EVIL, authors=(EVIL,), summary=EVIL, headimg=None), "urn:x:2"),
        item_of(article_with(title="", summary="", content="", link=None, enclosures=()), "urn:x:3"),
    )
    for category in ("Drinks", None):
        full = channel_of(*items, category=category, files=FILES, search="../search")
        assert Html().render(replace(full, look=own)) == Html().render(full)
    whole = overview_of(section_of(None), section_of("Tea"), followed=(followed_of(),), search="search")
    for writer in SITE_WRITERS["html"]:
        assert writer.render(replace(whole, look=own)) == writer.render(whole)
    results = SearchResults(query="tea", title="Planet", items=items)
    assert results_page(replace(results, look=own)) == results_page(results)


@pytest.mark.parametrize("name", ["entry.html", "partial.css", "partial.html"])
def test_everything_is_escaped_whatever_a_file_is_called(name: str) -> None:
    """Also what passes through a macro, a block, an included file, a filter or `~`."""
    body = "{{ x }}{{ x ~ '' }}{{ [x]|join('<') }}{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x) }}"
    body += "{{ x|upper }}{% set y %}{{ x }}{% endset %}{{ y }}{{ x|trim }}{{ x|truncate(10) }}"
    own = PageLook(templates=((name, body), ("entry.html", f"{{% include '{name}' %}}")), folder="t")
    if name == "entry.html":
        own = PageLook(templates=((name, body),), folder="t")
    made = render("entry.html", own, PLAIN, x=EVIL).decode()
    assert "<" not in made
    assert made.count("&lt;") >= 10


@pytest.mark.parametrize(
    "body",
    [
        "{{ x|safe }}",
        "{% autoescape false %}{{ x }}{% endautoescape %}",
        "{{ x|replace('a', 'b') }}",
        "{{ ''|urlize }}",
        "{{ entry.heading.translate({97: x}) }}",
        "{{ entry.heading.unescape() }}",
        "{{ entry.heading.__class__(x) }}",
        "{{ entry.heading.format(x) }}",
        "{{ x.__class__.__mro__ }}",
        "{{ entry._item }}",
        "{{ say.__globals__ }}",
        "{{ [].append(1) }}",
        "{{ lipsum() }}",
        "{{ [1, 2]|random }}",
        "{{ self.__init__ }}",
        "<a href={{ x }}>a</a>",
        "<p data-x={% if x %}{{ x }}{% endif %}>a</p>",
        "<script>{{ x }}</script>",
        "<STYLE>p { color: {{ x }} }</STYLE>",
        "<p onclick='{{ x }}'>a</p>",
        "<p style='{{ x }}'>a</p>",
        "<p {{ x }}>a</p>",
        "{% import 'os' as os %}",
        "{% include '/etc/passwd' %}",
        "{% include '../config/aggregator.toml' %}",
    ],
)
def test_templates_that_bypass_escaping_or_the_sandbox_are_mistakes(body: str) -> None:
    """Each is a mistake that names the file and the line."""
    with pytest.raises(TemplateMistake, match=r"^templates/entry\.html:2: ") as raised:
        rendered(f"a\n{body}", x=EVIL, entry=EntryView(item_of(), PLAIN))
    assert "alert" not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "rounds"),
        ("{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}", "without end"),
        ("{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}", "rounds"),
        ("{% include 'entry.html' %}", "without end"),
        ("{{ 'a' * 1000000000 }}", "repeated"),
        ("{{ [1] * 1000000000 }}", "repeated"),
        ("{{ 9 ** 9 ** 9 }}", "power"),
        ("{{ '%99999999999d' % 1 }}", "join texts"),
        (GROWING + "{% set n.x = n.x ~ n.x %}{% endfor %}", "characters"),
        (GROWING + "{% set n.x = n.x + n.x %}{% endfor %}", "characters"),
        (GROWING + "{% set y %}{{ n.x }}{{ n.x }}{% endset %}{% set n.x = y %}{% endfor %}", "characters"),
        ("{% set n = namespace(x=9) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}", ""),
        (GROWING + "{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}", "rounds"),
        (GROWING + "{% set n.x = {1: n.x, 2: n.x} %}{% endfor %}{{ n.x }}", "rounds"),
        (GROWING + "{% set n.x = (n.x, n.x) %}{% endfor %}{{ n.x == n.x }}", "rounds"),
        (GROWING + "{% set n.x = [[n.x, n.x]]|groupby(0) %}{% endfor %}{{ n.x }}", "rounds"),
        (VARYING + "{{ m(n-1, varargs, varargs) if n else varargs }}{% endmacro %}{{ m(99, 1) }}", "rounds"),
        (VARYING + "{{ m(n-1, a=kwargs, b=kwargs) if n else kwargs }}{% endmacro %}{{ m(99, c=1) }}", ""),
        ("{% set a = [0] * 10000 %}{{ ([a] * 3000)|sum(start=[]) }}", "rounds"),
        ("{% for i in range(999) %}{% set a = ('a ' * 5000).split() %}{% endfor %}", "rounds"),
        ("{{ 1|round(50000000, 'ceil') }}", "precision"),
        (ENCODING + "{% set n.x = n.x|urlencode %}{% endfor %}", "rounds"),
        ("{{ '{:999999999}'.format(1) }}", ""),
        ("{{ 'a'.center(999999999) }}", ""),
    ],
    ids=range(24),
)
def test_endless_and_growing_templates_are_stopped(
    body: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By counting rounds, not by time, so that all machines agree (here at a tenth of the limit)."""
    monkeypatch.setattr(sandbox, "MAX_ROUNDS", MAX_ROUNDS // 10)
    with pytest.raises(TemplateMistake, match=rf"templates/entry\.html.*{why}"):
        rendered(body)
    assert MAX_ROUNDS == 1_000_000
    assert MAX_CHARACTERS == 32_000_000


def test_mistakes_are_found_without_rendering() -> None:
    """Each with its file, its line, and what was probably meant."""
    assert wrong(category_html="a\n{% if %}") == [
        "templates/category.html:2: Expected an expression, got 'end of statement block'"
    ]
    assert wrong(category_html="\n\n{{ nmae }}") == [
        "templates/category.html:3: there is no variable 'nmae'; did you mean 'name'?"
    ]
    extended = "{% extends 'built-in/category.html' %}\n{% block fooder %}{% endblock %}"
    assert wrong(category_html=extended) == [
        "templates/category.html:2: built-in/category.html has no block 'fooder'; did you mean 'footer'?"
    ]
    unused = "templates/catagory.html: replaces no page, and no template here includes it"
    assert wrong(catagory_html="") == [f"{unused}; did you mean 'category.html'?"]
    assert wrong(category_html="{% include 'entri.html' %}") == [
        "templates/category.html:1: there is no template 'entri.html'; did you mean 'entry.html'?"
    ]
    assert wrong(page_html="{{ say('oldest') }}") == [
        "templates/page.html:1: there are no words for 'oldest'"
    ]
    assert wrong(category_html="{{ x|safe }}")[0].startswith(
        "templates/category.html:1: the filter 'safe': it does not exist: text is always escaped"
    )
    assert wrong(category_html="{% include 'mine.html' %}", mine_html="{{ anything }}") == []


def test_a_mistake_that_only_rendering_finds_has_its_line_too() -> None:
    """In the template where it is, not where that is included."""
    with pytest.raises(TemplateMistake, match=r"^templates/entry\.html:3: .*has no attribute 'tilte'"):
        page(look(entry_html="\n\n{{ entry.tilte }}"), item_of())


def test_a_users_entry_template_is_used_on_all_pages() -> None:
    """In a category, in `all`, in its archives, in what a search finds."""
    assert wrong(entry_html="<p>{{ entry.title }} {{ heading }}</p>") == []
    own = look(entry_html='<p class="own">{{ entry.title }} {{ heading }}</p>')
    assert '<p class="own">Tea &amp; &lt;cake&gt; 2</p>' in page(own, item_of())
    assert '<p class="own">Tea &amp; &lt;cake&gt; 3</p>' in page(own, item_of(), category=None)
    assert b'class="own"' in results_page(
        SearchResults(query="tea", title="Planet", items=(item_of(),), look=own)
    )


def test_a_users_stylesheet_may_include_ours() -> None:
    """With `{% include %}`."""
    sheet = SITE_WRITERS["html"][2]
    own = sheet.render(
        overview_of(look=look(style_css="{% include 'built-in/style.css' %}\nh1 { color: red }"))
    )
    assert own.startswith(sheet.render(overview_of()).rstrip(b"\n"))
    assert own.endswith(b"h1 { color: red }")


# --- The documentation


def tables() -> dict[str, dict[str, list[str]]]:
    """Of docs/templates.md: the first columns of its tables, by their heads, of each part."""
    found: dict[str, dict[str, list[str]]] = {}
    part, head = "", ""
    for line in (ROOT / "docs" / "templates.md").read_text().splitlines():
        if line.startswith("## "):
            part, head = line.strip("# `"), ""
        elif not line.startswith("| "):
            head = ""
        elif not head:
            head = line.split("|")[1].strip()
            found.setdefault(part, {}).setdefault(head, [])
        elif not line.startswith("| ---"):
            found[part][head].append(line.split("|")[1].strip(" `"))
    return found


def trees() -> dict[str, nodes.Template]:
    return {file.name: Environment(autoescape=True).parse(file.read_text()) for file in FILES_OF_PAGES}


def test_every_variable_is_documented_and_no_other() -> None:
    """As `check` knows them, and as pages get them."""
    documented = tables()
    assert set(documented["On every page"]["variable"]) == COMMON
    for name, variables in TEMPLATES.items():
        assert sorted(documented[name].get("variable", [])) == sorted(variables), name
    views = {name for name in vars(EntryView) if not name.startswith("_")}
    assert set(documented["entry.html"]["entry"]) == views


def test_every_block_and_macro_is_documented_and_no_other() -> None:
    """Those that our templates have."""
    documented, common = tables(), set[str]()
    for name, tree in sorted(trees().items(), key=lambda found: found[0] != "page.html"):
        blocks = {block.name for block in tree.find_all(nodes.Block)} - common
        common |= blocks if name == "page.html" else set()
        assert set(documented[name].get("block", [])) == blocks, name
        if name == "parts.html":
            assert documented[name]["macro"] == [macro.name for macro in tree.find_all(nodes.Macro)]


def test_pages_get_the_variables_that_are_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more, which nobody would know of, and no less, which `check` would let pass."""
    got: dict[str, set[str]] = {}

    def spy(name: str, look: PageLook, locale: Any, /, **facts: Any) -> bytes:
        got[name] = set(facts) | {"language", "say", "max_query"}
        return render(name, look, locale, **facts)

    for module in (
        "feed_page",
        "site_pages",
        "single_article",
        "search_page",
        "members_page",
        "calendar_page",
    ):
        monkeypatch.setattr(f"aggregator.writers.html.{module}.render", spy)
    own = look(entry_html="{{ entry.title }}")
    page(own, item_of())
    Html().render_article(item_of(), site="x", root="../", version="1", look=own)
    for writer in SITE_WRITERS["html"]:
        writer.render(overview_of(section_of(None), followed=(followed_of(),), seen=SEEN))
    MembersPage().render(overview_of(followed=(followed_of(),)))
    CalendarPage().render(overview_of())
    results_page(SearchResults(query="x", title="x"))
    for name, names in got.items():
        common = {"say", "language", "max_query"} if name in ("entry.html", "style.css") else COMMON
        assert names - common == TEMPLATES[name] - (common & TEMPLATES[name]), name
    assert set(got) == set(TEMPLATES) - {"page.html", "parts.html"}


def test_the_limits_are_documented() -> None:
    """As the code has them."""
    text = (ROOT / "docs" / "templates.md").read_text()
    assert f"{MAX_ROUNDS:,} rounds" in text
    assert f"{MAX_CHARACTERS:,} characters" in text
    assert set(Environment(autoescape=True).filters) >= FILTERS
    assert MAX_QUERY > 0


def test_examples_of_the_documentation_are_templates() -> None:
    """They can be copied."""
    text = (ROOT / "docs" / "templates.md").read_text()
    examples = re.findall(r"```jinja\n(.*?)```", text, re.DOTALL)
    assert examples
    for example in examples:
        assert wrong(category_html=example) == []
        tree = LexborHTMLParser(page(look(category_html=example), item_of()))
        assert len(tree.css("article")) == 1


def test_a_channel_without_a_look_has_the_usual_one() -> None:
    """As writers of other packages make it."""
    assert {field.name: field.default for field in structs.fields(Channel)}["look"] == PageLook()


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("page.html", "{{ 1 / 0 }}", "division by zero"),
        ("category.html", "{{ days[0][1] }}", "has no element 0"),
        ("start.html", "{{ whole.href }}", "has no attribute 'href'"),
        ("status.html", "{{ states[0][1][0].chart[0] }}", "None has no element 0"),
        ("members.html", "{% include 'members.html' %}", "without end"),
        ("calendar.html", "{{ years[0][1][1][1].x }}", "has no attribute 'x'"),
        ("search.html", "{{ feeds[0] }}", "has no element 0"),
        ("article.html", "{{ original.upper() }}", "has no attribute 'upper'"),
        ("entry.html", "{{ entry.authors[0] }}", "has no element 0"),
        ("style.css", "{{ colours.x }}", "has no attribute 'x'"),
    ],
)
def test_mistakes_that_appear_while_rendering_are_found_by_a_trial(name: str, text: str, why: str) -> None:
    """Each page is tried with everything that it may show, and with nothing of it; each mistake once."""
    found = list(trial_mistakes(look(**{name.replace(".", "_"): f"\n{text}"})))
    assert len(found) == len(set(found)) > 0
    assert all(mistake.startswith(f"templates/{name}:2: ") for mistake in found)
    assert any(why in mistake for mistake in found)


def test_a_template_trial_stops_at_the_first_endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it would be run for every page."""
    monkeypatch.setattr(sandbox, "MAX_ROUNDS", 1_000)
    endless = "{% block footer %}{% for n in range(9999) %}{% endfor %}{% endblock %}"
    own = look(page_html=f"{{% extends 'built-in/page.html' %}}{endless}", entry_html="{{ 1 / 0 }}")
    (found,) = (mistake for mistake in trial_mistakes(own) if "rounds" in mistake)
    assert found.startswith("templates/page.html:1: ")


def test_our_own_templates_pass_the_trial() -> None:
    """Ours, and copies of ours in a folder."""
    copies = {file.name.replace(".", "_"): file.read_text() for file in FILES_OF_PAGES}
    assert list(trial_mistakes(look(**copies))) == []
