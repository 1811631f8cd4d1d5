"""Text constructs become plain text, bodies become summaries, authors become names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.entry import Person, Text, TextType
from aggregator.normalise.extension_elements import inert_text
from aggregator.normalise.text import (
    _TAG,
    _left,
    cut,
    is_html,
    people,
    plain,
    plain_name,
    tidy,
    without_markup,
)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", "&amp;lt;b&amp;gt; <b>", "&amp;lt;b&amp;gt; <b>"),
        ("html", "&amp;lt;b", "&lt;b"),
        ("html", "&lt;b&gt; <i>x</i>", "<b> x"),
        ("html", "one<br>two<p>three", "one two three"),
        ("html", "f<b>oo</b>", "foo"),
        ("html", 'smile <img src=x alt=":)">', "smile :)"),
        ("html", "<script>alert(1)</script>x", "x"),
        ("xhtml", "<em>a</em> &amp; b", "a & b"),
        ("unknown", "AT&T", "AT&T"),
        ("unknown", "AT&amp;T", "AT&T"),
        ("unknown", "a < b", "a < b"),
        ("unknown", "<3", "<3"),
        ("unknown", "List<String>", "List<String>"),
        ("unknown", "<b>List&lt;String></b>", "List<String>"),
        ("unknown", "&foo; &bar", "&foo; &bar"),
        ("unknown", "&#8217;", "’"),
        ("unknown", " a\n\tb\xa0c ", "a b c"),
        ("unknown", "a\u202eb\x00\x07c\ufeff\ud800d", "abcd"),
    ],
    ids=str,
)
def test_text_is_decoded_once_and_only_once(kind: TextType, value: str, expected: str) -> None:
    """What the type says is done; what has no type is HTML only if it looks like HTML."""
    assert plain(Text(value, kind)) == expected


@pytest.mark.parametrize("kind", ["unknown", "html"])
@pytest.mark.parametrize(
    "title",
    [
        "On The <dl>",
        "guide to <head> elements",
        "if a<b then c>d",
        "<dl>, <dt> and <dd>",
        "<body> considered harmful",
        "Everything between <head> and </head>",
        "The <a> element",
        "The <img> element",
        "Using <sub> and <sup>",
        "Why <em> matters",
        "Stop using <div>s",
        "Stop </div>",
        'Say "<p>"',
        "XSS via <script>",
        'The <input type="email"> field',
        "<table> vs <div/>",
        "Introducing <my-element>",
        "Vec<u8> in <template> & <slot>",
    ],
)
def test_an_element_that_is_spoken_of_stays_in_a_title(kind: TextType, title: str) -> None:
    """In categories and names of people too."""
    assert plain(Text(title, kind)) == title
    assert plain_name(title) == title


@pytest.mark.parametrize("kind", ["unknown", "html"])
@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<i>Really</i> new", "Really new"),
        ("Really <b>new", "Really new"),
        ("Really<br>new<br/>", "Really new"),
        ("<p>Title", "Title"),
        ("Title.</p>", "Title."),
        ("<h2>My title</h2>", "My title"),
        ("<title>My title</title>", "My title"),
        ("<ul><li>One</li><li>Two</li></ul>", "One Two"),
        ('<a href="x">A link', "A link"),
        ('<span class="x"> Title', "Title"),
        ("CO<sub>2", "CO2"),
        ("an <em>important thing", "an important thing"),
        ("The <code><dl></code> element", "The <dl> element"),
        ("<o:p>Word", "Word"),
        ("<svg onload=alert(1)>x", "x"),
        ("<img src=x onerror=alert(1)>x", "x"),
    ],
)
def test_markup_is_removed_from_titles(kind: TextType, markup: str, title: str) -> None:
    """What is closed, what has values, what touches the word that it is for, what could act."""
    assert plain(Text(markup, kind)) == title


@pytest.mark.parametrize(
    "title",
    [
        "On The <dl>",
        "The <dl>, <dt> and <dd> elements",
        "why </body> counts",
        "<script>alert(1)</script>",
        "a <b>bold</b> word",
        "List<String>",
        "a < b and c > d",
        "5 < i > 3",
        "a < b",
    ],
)
def test_a_title_of_our_own_rss_is_what_it_was(title: str) -> None:
    """There a blank stands in each tag that a title speaks of, so that no reader takes it for markup."""
    assert plain(Text(inert_text(title), "unknown")) == title


def test_tags_of_parsed_markup_are_always_removed() -> None:
    """A parser has seen that it is one."""
    assert plain(Text("On The <hr> <custom-tag> end", "xhtml")) == "On The end"


def test_text_that_only_mentions_a_tag_is_not_html() -> None:
    """So its entities are not decoded."""
    assert plain(Text("<dl> a=1&copy=2")) == "<dl> a=1&copy=2"


def test_an_entry_without_a_title_has_an_empty_one() -> None:
    """An entry without a title has an empty one."""
    assert plain(None) == ""


def test_a_long_title_is_cut_at_a_word() -> None:
    """Whole words, and a sign that something is missing."""
    title = plain(Text("word " * 1_000))
    assert len(title) <= 1_000
    assert title.endswith("word…")


@pytest.mark.parametrize("text", ["<p>x", "a<br/>b", "&eacute;", "<o:p></o:p>", "</div>"], ids=str)
def test_known_tags_and_entities_make_html(text: str) -> None:
    """Elements of HTML, of Office and custom ones."""
    assert is_html(text)


@pytest.mark.parametrize(
    "text", ["", "a & b", "x <y@example.org>", "1<2>0", "Map<K, V>", "&nosuch;"], ids=str
)
def test_text_with_angle_brackets_is_not_html(text: str) -> None:
    """Generic types, sums and addresses are text."""
    assert not is_html(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Jane Doe", ("Jane Doe",)),
        ("jane@example.org (Jane Doe)", ("Jane Doe",)),
        ("Jane Doe <jane@example.org>", ("Jane Doe",)),
        ('"Doe, Jane" <jane@example.org>', ("Doe, Jane",)),
        ("Jane Doe (jane@example.org)", ("Jane Doe",)),
        ("mailto:jane@example.org (Jane)", ("Jane",)),
        ("noreply@blogger.com (Jane)", ("Jane",)),
        ("noreply@blogger.com", ()),
        ("jane@example.org", ("jane",)),
        ("jane@example.org ()", ("jane",)),
        ("Jane; John", ("Jane", "John")),
        ("a@example.org (Jane), b@example.org (John)", ("Jane", "John")),
        ("Jane &amp; John", ("Jane & John",)),
        ("Doe, Jane", ("Doe, Jane",)),
        ("@jane", ("@jane",)),
        ("<b>Jane</b>", ("Jane",)),
        ("  ", ()),
    ],
    ids=str,
)
def test_an_author_is_a_name_and_never_an_address(name: str, expected: tuple[str, ...]) -> None:
    """RSS's one string is split into who is meant; addresses stay behind."""
    assert people([Person(name)]) == expected


def test_an_author_with_only_an_email_is_its_local_part() -> None:
    """Atom allows a person without a usable name; each name comes once."""
    assert people([Person("", email="jane@example.org"), Person("jane"), Person("John")]) == ("jane", "John")


@given(st.text(), st.integers(5, 100))
def test_a_cut_is_never_longer_than_allowed(text: str, size: int) -> None:
    """The sign of the cut counts too."""
    assert len(cut(text, size)) <= size


@given(st.text())
def test_tidy_text_is_one_line_and_stays_so(text: str) -> None:
    """Doing it twice changes nothing, and XML can hold the result."""
    tidied = tidy(text)
    assert tidy(tidied) == tidied
    assert "\n" not in tidied
    assert tidied.encode().decode() == tidied


def test_tags_of_any_case_leave_the_same() -> None:
    """Inline elements join what they stand between, others part it, unknown ones are text."""
    assert without_markup("a<B>b</B>c<P>d<BR/>e</p>f<Foo>g<x-y>h<!-- i -->]]>") == "abc d e f<Foo>g h  i   "


@given(
    st.lists(
        st.sampled_from(["a", " ", "<b>", "</b>", "<p>", "<IMG alt=x>", "<", ">", "<!--", "<x>", "&lt;"])
    )
)
def test_removing_all_tags_at_once_equals_removing_them_one_by_one(pieces: list[str]) -> None:
    """The quick way is the slow way."""
    markup = "".join(pieces)
    one_by_one = _TAG.sub(lambda tag: _left(tag[0], tag[1]), markup).replace("-->", " ").replace("]]>", " ")
    assert without_markup(markup) == one_by_one.replace("&lt;", "<")
