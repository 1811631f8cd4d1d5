"""Bodies have no empty shells of what was taken away."""

from __future__ import annotations

import pytest

from aggregator.normalise.anchors import Owner
from aggregator.normalise.empty_elements import MAX_ROUNDS, without_empty_elements
from aggregator.normalise.html import HtmlBody, sanitise, sanitise_checked


def body(markup: str) -> str:
    """Returns what becomes of the body of an article."""
    made = HtmlBody(raw=markup, owner=Owner("Tea", "id", None))
    sanitise_checked([made])
    return made.html


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("<p class='intro' style='margin:0'>a</p>", "<p>a</p>"),
        ("<div class=ad><script>x()</script></div><p>a</p>", "<p>a</p>"),
        ("<div><div>\n<span class=x> <i class=icon></i></span>\n</div></div>a", "a"),
        ("<p>a</p><p></p><p>&nbsp;</p>", "<p>a</p><p>&nbsp;</p>"),
        ("<h2><a class=anchor href='https://a.example/'></a>Tea</h2>", "<h2>Tea</h2>"),
        ("<figure><iframe src='https://ads.example/'></iframe></figure><p>a</p>", "<p>a</p>"),
        ("<a href='#n'>1</a><span id=n></span>", None),
        ("<table><tr><td></td></tr></table><ul><li></li></ul>", None),
        ("<pre>&lt;p class=\"\"&gt;&lt;/p&gt;</pre>", '<pre>&lt;p class=""&gt;&lt;/p&gt;</pre>'),
        ("<code class='language-py'>a</code><div class='highlight x'>b</div>",
         '<code class="language-py">a</code><div class="highlight">b</div>'),
        ("<pre> class=\"\" <b class=x id=y>a</b> style=\"\"</pre>", '<pre> class="" <b>a</b> style=""</pre>'),
        ("<p title=' class=\"\"'>a</p>", '<p title=" class=&quot;&quot;">a</p>'),
        ("<p>a<br></p><hr><p><img src='https://a.example/i.png'></p>", None),
    ],
)  # fmt: skip
def test_empty_elements_are_removed_and_others_stay(written: str, right: str | None) -> None:
    """A cell, an item of a list, a place that is named, and code are none."""
    made = body(written)
    if right is None:
        assert made.count("<") == body(f"<p>x</p>{written}").count("<") - 2
        assert "<td></td>" in made or "<li></li>" in made or ' id="' in made or "<img" in made
    else:
        assert made == right
    assert without_empty_elements(made) == made


def test_stored_bodies_are_not_sanitised_again() -> None:
    """Archives keep their bytes for what does no harm."""
    assert sanitise('<div class=""><p style=""></p></div>') == '<div class=""><p style=""></p></div>'


def test_nested_empty_elements_are_removed_up_to_a_limit() -> None:
    """Whatever is left: each round reads all of it."""
    deep = "<div>" * 200 + "</div>" * 200
    left = without_empty_elements(deep * 400)
    assert left.count("<div>") == 400 * (200 - MAX_ROUNDS)
