"""Formulas stay, as plain MathML; nothing in them can act."""

from __future__ import annotations

import pytest

from aggregator.adapters.feed import document
from aggregator.normalise import mathml
from aggregator.normalise.entries import articles
from aggregator.normalise.html import sanitise

CONTENT = "<annotation-xml encoding='MathML-Content'><ci>x</ci></annotation-xml>"
OTHER = "<annotation encoding='StarMath 5.0'>x</annotation>"
TEX = '<annotation encoding="application/x-tex">x^{2}</annotation>'


def math(inner: str, said: str = "") -> str:
    """A formula."""
    return f"<math{said}>{inner}</math>"


def fence(sign: str, form: str) -> str:
    """A parenthesis."""
    return f'<mo fence="true" form="{form}">{sign}</mo>'


@pytest.mark.parametrize(
    "inner",
    [
        "<mi>x</mi>",
        "<mfrac><mn>1</mn><msqrt><mi>y</mi></msqrt></mfrac>",
        "<msubsup><mo>∫</mo><mn>0</mn><mi>n</mi></msubsup><mspace width=\"0.2em\"></mspace><mi>f</mi>",
        "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>",
        "<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><mtext>if a &lt; b</mtext>",
        "<mmultiscripts><mi>X</mi><mi>a</mi><none></none><mprescripts></mprescripts></mmultiscripts>",
        '<mi mathvariant="normal">d</mi><mo stretchy="false">(</mo><mo form="prefix">-</mo>',
    ],
)  # fmt: skip
def test_a_formula_stays(inner: str) -> None:
    """With what browsers draw it by, and the same when it is sanitised again."""
    clean = sanitise(f"<p>is {math(inner)} per day</p>")
    assert clean == f"<p>is {math(inner)} per day</p>"
    assert sanitise(clean) == clean


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("<mi id='a' class='b' style='color:red' onclick='x()' href='https://e.org/'>x</mi>", "<mi>x</mi>"),
        ("<mi xlink:href='javascript:x()'>x</mi>", "<mi>x</mi>"),
        ("<mspace width='9999px'/><mi>x</mi>", "<mspace></mspace><mi>x</mi>"),
        ("<mpadded voffset='9em' width='2em'>x</mpadded>", '<mpadded width="2em"><mtext>x</mtext></mpadded>'),
        ("<maction actiontype='toggle' selection='2'><mi>x</mi><mi>y</mi></maction>", "<mi>y</mi>"),
        ("<maction actiontype='tooltip'><mi>x</mi><mtext>tip</mtext></maction>", "<mi>x</mi>"),
        ("<mglyph src='g.png' alt='glyph'/>", "<mtext>glyph</mtext>"),
        ("<mi>a<mglyph src='g.png' alt='b'/></mi>", "<mi>ab</mi>"),
        ("<mtext>a <b>bold</b> word</mtext>", "<mtext>a bold word</mtext>"),
        ("<menclose notation='circle'><mi>x</mi></menclose>", "<mrow><mi>x</mi></mrow>"),
        ("<ms>x</ms>", '<mtext>"x"</mtext>'),
        ("x", "<mtext>x</mtext>"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>",
         f"<mrow>{fence('(', 'prefix')}<mi>a</mi><mo>,</mo><mi>b</mi>{fence(')', 'postfix')}</mrow>"),
        ("<mfenced open='' close='|' separators=''><mi>a</mi><mi>b</mi></mfenced>",
         f"<mrow><mi>a</mi><mi>b</mi>{fence('|', 'postfix')}</mrow>"),
        ("<apply><sin/><ci>x</ci></apply>",
         "<mrow><mtext>sin</mtext><mo>(</mo><mrow><mtext>x</mtext></mrow><mo>)</mo></mrow>"),
    ],
)  # fmt: skip
def test_mathml_that_browsers_do_not_draw_is_rewritten(written: str, right: str) -> None:
    """Active and positioning markup is removed."""
    assert sanitise(math(written)) == math(right)


@pytest.mark.parametrize(
    ("written", "right"),
    [
        (f"<semantics><mi>x</mi>{TEX}</semantics>", math("<mi>x</mi>", ' alttext="x^{2}"')),
        (f"<semantics><mi>x</mi>{CONTENT}{OTHER}{TEX}</semantics>", math("<mi>x</mi>", ' alttext="x^{2}"')),
        (f"<semantics>{TEX}</semantics>", "x^{2}"),
        ("", ""),
    ],
)
def test_tex_is_the_alternative_text(written: str, right: str) -> None:
    """Not shown beside the formula; shown where there is no other."""
    assert sanitise(math(written)) == right


def test_the_alternative_text_of_a_formula_stays() -> None:
    """Its own alternative text, and that it stands in a line of its own."""
    found = sanitise("<math alttext='a &lt; b' display='block'><mi>a</mi></math>")
    # Releases of nh3 differ in this; both are the same to a browser.
    assert found.replace("a < b", "a &lt; b") == math("<mi>a</mi>", ' alttext="a &lt; b" display="block"')
    assert sanitise("<math mode=display><mi>a</mi></math>") == math("<mi>a</mi>", ' display="block"')


@pytest.mark.parametrize("prefix", ["mml", "m", "math"])
def test_prefixes_are_no_part_of_a_name(prefix: str) -> None:
    """As publishers of journals write MathML; HTML knows no prefixes."""
    written = f"<{prefix}:math xmlns:{prefix}='x'><{prefix}:mi>x</{prefix}:mi></{prefix}:math>"
    assert sanitise(f"a {written} b") == f"a {math('<mi>x</mi>')} b"


def test_a_formula_rendered_by_a_script_is_kept_once() -> None:
    """KaTeX and MathJax draw one beside it."""
    inner = f"<semantics><mi>x</mi>{TEX}</semantics>"
    katex = f'<span class="katex-mathml">{math(inner)}</span><span class="katex-html">x2</span>'
    mathjax = (
        "<mjx-container><mjx-math>x2</mjx-math>"
        f"<mjx-assistive-mml>{math(inner)}</mjx-assistive-mml></mjx-container>"
    )
    for written in (katex, mathjax):
        assert "x2" not in sanitise(written)
        assert math("<mi>x</mi>", ' alttext="x^{2}"') in sanitise(written)


def test_tex_for_a_script_of_the_page_stays_as_tex() -> None:
    """What MathJax would set."""
    assert sanitise("<script type='math/tex'>a < b</script>") == "\\(a &lt; b\\)"
    assert sanitise("<script type='math/tex; mode=display'>x</script>") == "\\[x\\]"
    assert sanitise("<script>x</script>") == ""


def test_formulas_that_are_nested_too_deeply_are_text() -> None:
    """No formula of a reader's is so deep."""
    deep = mathml.MAX_DEPTH + 20
    clean = sanitise(math("<mrow>" * deep + "<mi>x</mi>" + "</mrow>" * deep))
    assert clean.count("<mrow>") == mathml.MAX_DEPTH
    assert "<mtext>x</mtext>" in clean


def test_html_in_a_formula_leaves_its_text() -> None:
    """Whatever a sanitiser may make of it: the second look is by names alone."""
    assert mathml.only_formulas("<math><mi>x<b>y</b></mi></math><b>z</b>") == "xy<b>z</b>"
    assert mathml.only_formulas("<math><mi>x</mi></math>") == "<math><mi>x</mi></math>"


def test_formulas_of_every_kind_of_document() -> None:
    """RSS with escaped HTML, Atom with XHTML and prefixes; titles and made summaries have the text."""
    formula = f"<math><semantics><msup><mi>x</mi><mn>2</mn></msup>{TEX}</semantics></math>"
    rss = (
        "<rss version='2.0'><channel><item><guid>a</guid>"
        f"<title><![CDATA[On {formula}]]></title><description><![CDATA[is {formula} a day]]></description>"
        "</item></channel></rss>"
    )
    atom = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:m='http://www.w3.org/1998/Math/MathML'><entry>"
        "<id>a</id><title>t</title><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>is "
        "<m:math><m:msup><m:mi>x</m:mi><m:mn>2</m:mn></m:msup><m:mspace/></m:math> a day</div></content>"
        "</entry></feed>"
    )
    [one] = articles(document.read(rss.encode())).document.articles
    [two] = articles(document.read(atom.encode())).document.articles
    assert one.title == "On x2"
    assert one.summary == ('is <math alttext="x^{2}"><msup><mi>x</mi><mn>2</mn></msup></math> a day')
    assert two.content == "is <math><msup><mi>x</mi><mn>2</mn></msup><mspace></mspace></math> a day"
    assert two.summary == "is x2 a day"
