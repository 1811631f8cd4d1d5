"""Tags of Hexo, Jekyll and Hugo in posts: what is known is rendered, the rest stays and is reported."""

from __future__ import annotations

import pytest

import aggregator
from aggregator.adapters.articles.dialects import rendered
from aggregator.adapters.articles.tags import Site
from aggregator.front_matter.text import dumps
from aggregator.model.article import Article

SITE = {"link": "https://x.example/blog/", "permalink": "/:year/:month/:title.html", "generator": None}


def post(
    body: str, keys: str = "", url: str = "posts/hello.md", options: dict[str, object] | None = None
) -> tuple[str, list[str]]:
    """The body of a post as HTML, and its problems."""
    text = f"---\ntitle: My post\ndate: 2026-01-02\nfoo: bar\n{keys}---\n{body}\n"
    document = aggregator.read(
        text.encode(), kind="articles", url=url, options=SITE if options is None else options
    )
    return document.articles[0].content, [problem.text for problem in document.problems]


def html(body: str, **more: object) -> str:
    """The HTML of what is rendered without a problem."""
    made, problems = post(body, **more)  # type: ignore[arg-type]
    assert problems == []
    return made


@pytest.mark.parametrize(
    "body",
    [
        "{% highlight js linenos %}\nlet a = `<b>`;\n\n  b\n{% endhighlight %}",
        "{% codeblock lang:js %}\nlet a = `<b>`;\n\n  b\n{% endcodeblock %}",
        '{{< highlight js "linenos=table" >}}\nlet a = `<b>`;\n\n  b\n{{< /highlight >}}',
        "```js\nlet a = `<b>`;\n\n  b\n```",
        "{%- highlight js -%}\nlet a = `<b>`;\n\n  b\n{%- endhighlight -%}",
    ],
)
def test_code_of_every_generator_is_code(body: str) -> None:
    """With its language; blank lines and backticks stay."""
    code = '<pre><code class="language-js">let a = `&lt;b&gt;`;\n\n  b\n</code></pre>'
    assert html(body) == code
    assert html(f"Text\n\n{body}\n\nmore") == f"<p>Text</p>\n{code}\n<p>more</p>"


def test_code_in_a_list_stays_in_it() -> None:
    """Its lines get the tag's indent."""
    made = html("- a\n\n  {% highlight js %}\n  b\n\n  c\n  {% endhighlight %}\n\n- d")
    assert made.count("<li>") == 2
    assert '<pre><code class="language-js">b\n\nc\n</code></pre>' in made


def test_code_may_have_a_caption() -> None:
    """Hexo's title, address and text of the link."""
    made = html("{% codeblock My title lang:js https://y.example/ source %}\na\n{% endcodeblock %}")
    assert 'My title <a href="https://y.example/"' in made
    assert ">source</a>" in made
    assert '<code class="language-js">a' in made


@pytest.mark.parametrize(
    "body",
    [
        "{% raw %}{{ a }} {% b %}{% endraw %}",
        '{{ "{{ a }" }}} {{ "{%" }} b %}',
        "{{</* a */>}}",
        "`{{</* a */>}}`",
        "`{% raw %}{{ a }}{% endraw %}`",
        "```\n{% raw %}\n{{ a }}\n{% endraw %}\n```",
        "```\n{{ a }} {% b %} {{< c >}}\n```",
        "`{% b %}` and ``{{ a }}``",
    ],
)
def test_raw_blocks_stay_text(body: str) -> None:
    """The marks around them are removed; in code nothing is rendered."""
    made = html(body)
    assert "raw" not in made
    assert "/*" not in made
    assert "{{" in made or "{%" in made


def test_a_quotation_has_its_author() -> None:
    """Its text is Markdown, with tags."""
    made = html(
        "{% blockquote Ann, A Book https://y.io/ %}\nSome *text*\n\n{% img /a.jpg %}\n{% endblockquote %}"
    )
    assert made.startswith("<blockquote>\n<p>Some <em>text</em></p>")
    assert '<img src="https://x.example/a.jpg"' in made
    assert "\N{EM DASH} Ann, A Book <a" in made
    assert made.endswith("</blockquote>")
    assert "http://[x" in html("{% blockquote Ann http://[x %}\nText\n{% endblockquote %}")


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (
            '{{< figure src="/a.jpg" title="T" caption="C & D" alt="A" >}}',
            ['alt="A"', "<strong>T</strong> C &amp; D</figcaption>"],
        ),
        ('{{< figure src="/a.jpg" link="https://y.example/" >}}', ['<a href="https://y.example/"', "/a.jpg"]),
        (
            '{% img left /a.jpg 300 200 "A title" "An alt" %}',
            ['alt="An alt"', 'title="A title"', 'width="300"'],
        ),
        ("{% asset_img a.jpg \"A title 'An alt'\" %}", ["2026/01/a.jpg", 'alt="An alt"']),
        ('{% include figure.html src="/a.jpg" alt="A" caption="C" %}', ["<figcaption>C</figcaption>"]),
        ('{% include image.html url="/a.jpg" description="C" %}', ["<figcaption>C</figcaption>"]),
        ("![A]({{ site.baseurl }}/a.jpg)", ["https://x.example/blog/a.jpg"]),
        ("![A]({{ '/a.jpg' | relative_url }})", ["https://x.example/blog/a.jpg"]),
        ("![A]({{ site.url }}{{ site.baseurl }}/a.jpg)", ["https://x.example/blog/a.jpg"]),
    ],
)
def test_pictures(body: str, parts: list[str]) -> None:
    """Their addresses are absolute like all others."""
    made = html(body)
    assert "a.jpg" in made
    for part in parts:
        assert part in made


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ("{{< youtube w7Ft2ymGmfc >}}", "https://www.youtube-nocookie.com/embed/w7Ft2ymGmfc"),
        (
            '{{< youtube id="w7Ft2ymGmfc" autoplay="true" >}}',
            "https://www.youtube-nocookie.com/embed/w7Ft2ymGmfc",
        ),
        ("{% youtube w7Ft2ymGmfc %}", "https://www.youtube-nocookie.com/embed/w7Ft2ymGmfc"),
        ('{% include youtube.html id="w7Ft2ymGmfc" %}', "https://www.youtube-nocookie.com/embed/w7Ft2ymGmfc"),
        ('{% include video id="w7" provider="youtube" %}', "https://www.youtube-nocookie.com/embed/w7"),
        ("{{< vimeo 146022717 >}}", "https://player.vimeo.com/video/146022717"),
        ("{% vimeo 146022717 %}", "https://player.vimeo.com/video/146022717"),
        ('{{< x user="ann" id="1" >}}', "https://x.com/ann/status/1"),
        ("{% gist ann/1f2e file.js %}", "https://gist.github.com/ann/1f2e"),
        ("{{< gist ann 1f2e >}}", "https://gist.github.com/ann/1f2e"),
    ],
)
def test_players_and_pages_of_others(body: str, address: str) -> None:
    """A frame of a player that is known, else a link."""
    assert address in html(body)


@pytest.mark.parametrize(
    ("body", "link"),
    [
        ("[x]({% post_url 2024-05-06-other %})", "https://x.example/blog/2024/05/other.html"),
        ("{% post_link 2024-05-06-other 'Its title' %}", "https://x.example/blog/2024/05/other.html"),
        ("[x]({% link _posts/2024-05-06-other.md %})", "https://x.example/blog/2024/05/other.html"),
        ("[x]({% link /files/a.pdf %})", "https://x.example/blog/files/a.pdf"),
        ("{% link A page https://y.example/ %}", "https://y.example/"),
        ('[x]({{< ref "2024-05-06-other.md#part" >}})', "https://x.example/blog/2024/05/other.html#part"),
        ('[x]({{< relref path="2024-05-06-other.md" >}})', "https://x.example/blog/2024/05/other.html"),
        ("{% asset_link a.zip Files %}", "https://x.example/blog/2026/01/a.zip"),
    ],
)
def test_links_to_other_posts(body: str, link: str) -> None:
    """By the names of their files, where the pattern needs no more."""
    assert f'href="{link}"' in html(body)


@pytest.mark.parametrize(
    ("body", "shown", "problem"),
    [
        ("a {% include nav.html %} b", "a <code>{% include nav.html %}</code> b", "the tag include nav.html"),
        ("{{< chart a=1 >}}", "<code>{{&lt; chart a=1 &gt;}}</code>", "the tag chart"),
        ("a {{ page.nope }} b", "a {{ page.nope }} b", "the value {{ page.nope }}"),
        ("{% note info %}\nBody *b*\n{% endnote %}", "<p>Body <em>b</em></p>", "the tag note"),
        ("{{% notice tip %}}\nBody *b*\n{{% /notice %}}", "<p>Body <em>b</em></p>", "the tag notice"),
        ("{% if a %}b{% else %}c{% endif %}", "<p>bc</p>", "the tag if"),
        ("[x]({{ page.nope }})", ">x</a>", "the value {{ page.nope }}"),
        ("[x]({% post_url other %})", ">x</a>", "the tag post_url"),
        ("{{< youtube >}}", "<code>{{&lt; youtube &gt;}}</code>", "the tag youtube"),
    ],
)
def test_unknown_tags_stay_and_are_reported_once(body: str, shown: str, problem: str) -> None:
    """Readable, and once however often it stands there."""
    made, problems = post(f"{body}\n\n{body}")
    assert made.count(shown.removeprefix("<p>").removesuffix("</p>")) == 2
    (text,) = problems
    assert text.startswith(f"{problem} is not known here: ")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("{{ page.foo }} {{ page.title }}", "<p>bar My post</p>"),
        ("{{< param foo >}}", "<p>bar</p>"),
        ("a{% comment %} b {% endcomment %} c", "<p>a c</p>"),
        ("a{# b #} c", "<p>a c</p>"),
        ("{% assign a = 1 %}b", "<p>b</p>"),
        ("a\n{: .notice}\n\nb", "<p>a</p>\n<p>b</p>"),
        ("[a](https://y.example/){:target='_blank'} b", None),
        ("* TOC\n{:toc}\n\nb", "<p>b</p>"),
        ("{% toc %}b", "<p>b</p>"),
        ("a\n{.lead}\n\nb", "<p>a</p>\n<p>b</p>"),
    ],
)
def test_values_are_filled_in_and_comments_are_removed(body: str, shown: str | None) -> None:
    """Values are filled in; comments, assignments, lists of attributes and tables of contents go."""
    made = html(body)
    assert "{" not in made
    assert shown is None or made == shown


def test_a_file_of_html_has_tags_too() -> None:
    """What they become is HTML there."""
    made = html(
        "<p>a</p>\n{% highlight js %}\n<b>\n{% endhighlight %}\n<p>{{ page.foo }}</p>", url="posts/a.html"
    )
    assert '<pre><code class="language-js">&lt;b&gt;</code></pre>' in made
    assert "<p>bar</p>" in made


@pytest.mark.parametrize(
    ("body", "options", "keys"),
    [
        ("{{ a }} {% b %}", {"generator": "hugo"}, ""),
        ("{{< a >}}", {"generator": "jekyll"}, ""),
        ("{{ a }} {% b %}", {}, "render_with_liquid: false\n"),
        ("{{ a }} {% b %}", {}, "disableNunjucks: true\n"),
    ],
)
def test_tags_of_other_generators_stay_text(body: str, options: dict[str, object], keys: str) -> None:
    """Nothing is reported."""
    made, problems = post(body, keys, options=options)
    assert problems == []
    assert made == f"<p>{body.replace('<', '&lt;').replace('>', '&gt;')}</p>"


def test_our_own_file_is_not_rendered_as_a_dialect() -> None:
    """It comes back byte for byte."""
    given = Article(source="s", id="urn:x", title="A", content="<p>{% raw %} {{ a }} {{< b >}} {: .c}</p>")
    (made,) = aggregator.read(dumps(given).encode(), kind="articles", options=SITE).articles
    assert made.content == given.content


@pytest.mark.parametrize(
    "unit",
    ["{% a %}", "{% a ", "{{ x }}", "{{", "{{< a >}}b", "` `` ", "* a\n{:toc}\n", "{% quote %}\n", "<pre>"],
)
@pytest.mark.parametrize("is_markdown", [True, False])
def test_any_text_ends_and_is_kept(unit: str, is_markdown: bool) -> None:
    """Tags without an end, and thousands of them."""
    site = Site(post=lambda _: None, path=lambda path: path)
    text = unit * (200_000 // len(unit))
    made, problems = rendered(
        text, site, is_markdown=is_markdown, dialects=frozenset(("liquid", "shortcodes"))
    )
    assert len(made) < 2 * len(text)
    assert len(problems) <= 1


def test_tags_in_tags_have_an_end() -> None:
    """Deeper ones stay as they are written."""
    site = Site(post=lambda _: None, path=lambda path: path)
    text = "{% note %}" * 1_000 + "x" + "{% endnote %}" * 1_000
    assert "x" in rendered(text, site, is_markdown=True, dialects=frozenset(("liquid",)))[0]
