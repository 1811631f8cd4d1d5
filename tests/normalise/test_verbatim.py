"""Which bodies may be kept byte for byte."""

from __future__ import annotations

import pytest

from aggregator.normalise.verbatim import is_harmless
from tests.normalise.test_html_xss import CASES, remains


@pytest.mark.parametrize(
    "body",
    [
        "<div>   \n<p>Text &#123; &amp; more</p>\n</div>\n            ",
        "<p style='text-indent:2em'>a<br>b<br/>c</P>",
        "<table cellspacing=0><tbody><tr><td class='t_f' data-x=1>x</td></tr></tbody></table>",
        "<p>before</p><!-- more --><p>after</p>",
        "<font color=red>old</font>",
        '<img src="https://example.org/a.jpg" referrerpolicy="no-referrer">',
        "plain text, AT&T, 1 < 2",
    ],
)
def test_a_body_in_which_nothing_acts_is_harmless(body: str) -> None:
    """Untidy markup, odd quotes and entities are the owner's own business."""
    assert is_harmless(body, has_base=True)


@pytest.mark.parametrize("markup", [m for _, m in CASES], ids=[name for name, _ in CASES])
def test_a_hostile_body_is_never_kept_as_it_is(markup: str) -> None:
    """Unless a browser would find nothing in it that acts, as with a `<script>` written in text."""
    markup = markup.encode("utf-8", "replace").decode()
    assert not is_harmless(markup, has_base=True) or remains(markup) == []


@pytest.mark.parametrize(
    "body",
    [
        "<img src=/pixel.gif>",
        '<img src="https://example.org/p.gif" width="1" height="1">',
        "<p style='width:expression(alert(1))'>x</p>",
        "<p style='background-color:url(https://example.org/)'>x</p>",
        "<p>a</p><!-- a --!> comment -->",
        "<h2 id='x'>a</h2>",
        "<div>" * 100_000,
    ],
    ids=["relative", "pixel", "expression", "url", "comment", "id", "deep"],
)
def test_what_must_be_rewritten_is_not_kept(body: str) -> None:
    """Relative where a base is known, trackers, computing styles, odd comments, names that may clash."""
    assert not is_harmless(body, has_base=True)


def test_relative_urls_may_stay_where_nothing_could_complete_them() -> None:
    """A folder of posts without addresses."""
    assert is_harmless("<img src=/a.png>", has_base=False)
