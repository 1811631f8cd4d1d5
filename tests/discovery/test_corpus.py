"""Discovery over saved pages of real sites: which feed of each is taken, or which list is offered.

What is expected was written down by looking at each page: the address that a person would follow. A page is
read as if it came from its own address; that of a page which does not tell it stands in the table.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import pytest

from aggregator.discovery import offered_feeds
from aggregator.model.resource import Resource

ARCHIVED = "https://web.archive.org/web/20110926231958/http://diveintomark.org/tests/client/autodiscovery/"

FEEDFINDER = {
    "feedvalidator__html4-011.html": (f"{ARCHIVED}html4-011.html", f"{ARCHIVED}html4-011.xml"),
    "feedvalidator__html4-032.html": (f"{ARCHIVED}html4-032.html", f"{ARCHIVED}html4-032.xml"),
    "feedvalidator__html4-039.html": (f"{ARCHIVED}html4-039.html", f"{ARCHIVED}html4-039.xml"),
    "feedvalidator__html4-046.html": (f"{ARCHIVED}html4-046.html", f"{ARCHIVED}html4-046.xml"),
}

# Saved page: the address that it came from, and the feed to follow, relative to that; "" for none to be seen.
PAGES = {
    "0NG.github.io__archives-index.html": ("https://0ng.github.io/archives/", "/atom.xml"),
    "2-readability__source.html": (
        "http://lifehacker.com/how-to-program-your-mind",
        "http://feeds.gawker.com/lifehacker/full",
    ),
    "FeedReader__codehollow.html": ("https://codehollow.com/", "/feed/"),
    "FeedReader__heise.html": ("https://www.heise.de/", "/rss/heise-atom.xml"),
    "FeedReader__orf.html": ("https://orf.at/", "https://rss.orf.at/news.xml"),
    "FeedReader__stackoverflow.html": ("https://stackoverflow.com/", "/feeds"),
    (
        "GoneMobileCast.github.io__.mobile.center.and.continuous.delivery"
        ".with.ryan.salva.and.joe.mellin-index.html"
    ): ("http://gonemobile.io/blog/e0051/", "http://feed.gonemobile.io"),
    "GoneMobileCast.github.io__blog-e0036.android.performance.tuning.with.rabeb.othmani-index.html": (
        "http://gonemobile.io/blog/e0036/",
        "http://feed.gonemobile.io",
    ),
    "KPDwyer.github.io__authors-kyle-dwyer-index.html": (
        "https://kpdwyer.github.io/authors/kyle-dwyer/",
        "/feed.xml",
    ),
    "LebCit.github.io__tags-index.html": ("https://lebcit.github.io/tags/", ""),
    "MyBlog__08-hexo-blog-index.html": ("https://wallleap.example/08-hexo-blog/", "/atom.xml"),
    "MyBlog__笔记-五笔学习-index.html": ("https://wallleap.example/笔记/五笔学习/", "/atom.xml"),
    "SwiftGGTeam.github.io__2017-09-index.html": ("https://swiftggteam.github.io/2017/09/", ""),
    "blog.popekim.com__page-10-index.html": (
        "https://blog.popekim.com/ko/categories/dev/page/10/",
        "/ko/feed/dev.xml",
    ),
    "blog.popekim.com__page-2-index.html": (
        "https://blog.popekim.com/en/categories/dev/page/2/",
        "/en/feed/dev.xml",
    ),
    "chris22smith.github.io___site-index.html": ("https://chris22smith.github.io/", "/feed.xml"),
    "de-altcoin___site-index.html": ("https://de-altcoin.example/", ""),
    "drillan.github.io__index.html": ("https://drillan.github.io/", "/all.atom.xml"),
    "drillan.github.io__index_tag_tags_jupyter.html": (
        "https://drillan.github.io/index_tag_tags_jupyter.html",
        "/all.atom.xml",
    ),
    "feedless__03-telepolis-de.input.html": ("http://www.heise.de/tp/", "/tp/rss/news-xl.xml"),
    "feedless__07-craigslist.input.html": ("https://abilene.craigslist.org/d/jobs/search/jjj", ""),
    "feedless__medium_com.html": (
        "https://medium.com/android-news/add-version-properties-file",
        "/feed/android-news",
    ),
    "football-news-site__index.html": ("https://www.govolsgo.com/", ""),
    "football-news-site__world-cup-2026.html": ("https://www.govolsgo.com/world-cup-2026", ""),
    "hackernews__index.html": ("https://ashwinkshenoy.github.io/hackernews/", ""),
    "html2rss__combined_scraper_sources.html": ("https://acme.example/", ""),
    "html2rss__conditional_processing_site.html": ("https://acme.example/", ""),
    "html2rss__dynamic_content_site.html": ("https://acme.example/", ""),
    "html2rss__multilang_site.html": ("https://acme.example/", ""),
    "html2rss__performance_optimized_site.html": ("https://acme.example/", ""),
    "html2rss__unreliable_site.html": ("https://acme.example/", ""),
    "huginn__xkcd.html": ("https://xkcd.com/", "/atom.xml"),
    "izquierdahispanica-org__2011-indignados-espanoles-index.html": (
        "http://izquierdahispanica.org/2011/indignados-espanoles/",
        "/feed/",
    ),
    "izquierdahispanica-org__page-2-index.html": (
        "http://izquierdahispanica.org/tag/guerra/page/2/",
        "/tag/guerra/feed/",
    ),
    "ji1bqw.github.io__archives.html": (
        "https://ji1bqw.github.io/cyberham_blog/archives.html",
        "/cyberham_blog/atom.xml",
    ),
    "kamekokamekame.net__2017-index.html": ("https://kamekokamekame.net/2017/", ""),
    "kamekokamekame.net__2024-index.html": ("https://kamekokamekame.net/2024/", ""),
    "kcua-musicology.github.io__blog-卒業生の活動-blog-index.html": (
        "https://kcua-musicology.github.io/category/blog/卒業生の活動-blog/",
        "/category/blog/%e5%8d%92%e6%a5%ad%e7%94%9f%e3%81%ae%e6%b4%bb%e5%8b%95-blog/feed/",
    ),
    "legacy-botzilla__2003_08.html": (
        "https://www.botzilla.com/blog/archives/2003_08.html",
        "/blog/index.rdf",
    ),
    "microblog_mirror__archive-index.html": ("https://alexanderkucera.com/archive/", ""),
    "newspaper__flavorwire.com2.html": ("http://flavorwire.com/495418/2014-the-year", "/feed"),
    "newspaper__thai_article.html": (
        "https://prachatai.com/journal/2019/01/80642",
        "https://feeds2.feedburner.com/prachatai",
    ),
    "newspaper__theatlantic.com1.html": (
        "http://www.theatlantic.com/entertainment/archive/2014/12/cracking/384068/",
        "http://feeds.feedburner.com/TheAtlantic",
    ),
    "newspaper__thekitchn.com2.html": (
        "http://www.thekitchn.com/drink-up-15-good-ideas",
        "http://feeds.thekitchn.com/apartmenttherapy/thekitchn",
    ),
    "noticesite__politica_derechos_autor.html": (
        "https://news.hgaruna.org/politica_derechos_autor.html",
        "",
    ),
    "odooist.github.io__index.html": ("http://blog.odooist.com/", "/rss.xml"),
    "odooist.github.io__posts-odoo-13-api-changes-index.html": (
        "http://blog.odooist.com/posts/odoo-13-api-changes/",
        "/rss.xml",
    ),
    "parser__news.nationalgeographic.com.html": (
        "http://news.nationalgeographic.com/energy/2015/08/150803-bias/",
        "",
    ),
    "parser__pagesix.com.html": ("https://pagesix.com/2016/12/19/sofia-vergara-and-nick-loeb/", "/feed/"),
    "perrin3__japan-japanese-search-engines-index.html": (
        "http://perrin3.com/japan/japanese-search-engines/",
        "/atom.xml",
    ),
    "picoFeed__html_page.html": (
        "http://www.lemonde.fr/europe/article/2014/04/15/aux-yeux-de-kiev.html",
        "/europe/rss_full.xml",
    ),
    "picoFeed__html_reader_linuxfr.html": ("http://linuxfr.org/news/one", "/news.atom"),
    "picoFeed__html_reader_universfreebox.html": ("https://www.universfreebox.com/", "/backend.php"),
    "picoFeed__html_scraper_lemonde.html": (
        "https://www.lemonde.fr/proche-orient/article/2013/08/30/la-france.html",
        "/proche-orient/rss_full.xml",
    ),
    "rss-feeds__index.html": ("https://rss-feeds.example/", ""),
    "selfoss__https___www.youtube.com__BreakingTaps.html": (
        "https://www.youtube.com/@BreakingTaps",
        "/feeds/videos.xml?channel_id=UC06HVrkOL33D5lLnCPjr6NQ",
    ),
    "simplepie-ng__speedparser-0973.html": (
        "http://atheistcollege.ning.com/",
        "/profiles/blog/feed?xn_auth=no",
    ),
    "simplepie-ng__speedparser-0995.html": ("http://alexiasakadaki.com/", "/feed/"),
    "simplepie-ng__speedparser-1005.html": ("http://blog.amritpal.in/", "/rss"),
    "simplepie-ng__speedparser-1679.html": ("http://www.ottawacitizen.com/", "/974254.ATOM"),
    "simplepie-ng__speedparser-2032.html": ("http://www.awesomeinc.org/", "/feed/atom?feed=rss2"),
    "simplepie-ng__speedparser-2110.html": ("http://www.newquest.fr/blog/", "/blog/feed"),
    "simplepie-ng__speedparser-3109.html": ("http://zrce.eu/", "/feed/"),
    "simplepie-ng__speedparser-3525.html": (
        "http://www.staradvertiser.com/",
        "/staradvertiserheadlines.rss",
    ),
    "simplepie-ng__speedparser-3528.html": (
        "http://lurkdattwerkdat.tumblr.com/",
        "https://lurkdattwerkdat.tumblr.com/rss",
    ),
    "simplepie-ng__speedparser-3616.html": ("http://blog.agx.eu/", "/index.php/feed/atom"),
    "simplepie-ng__speedparser-3755.html": ("http://eu.battle.net/wow/en/", "/wow/en/feed/news"),
    "simplepie-ng__speedparser-3763.html": (
        "http://convergenceherd.ning.com/",
        "/profiles/blog/feed?xn_auth=no",
    ),
    "simplepie-ng__speedparser-3888.html": ("http://eu.battle.net/wow/en/", "/wow/en/feed/news"),
    "simplepie-ng__speedparser-4081.html": ("http://www.mmo-champion.com/", "/external.php?type=RSS2"),
    "simplepie-ng__speedparser-4201.html": ("http://www.techdevice.de/", "http://www.TechDevice.de/feed/"),
    "simplepie-ng__speedparser-4476.html": ("http://eu.battle.net/wow/en/", "/wow/en/feed/news"),
    "trafilatura__archive.org.muffinrezept.net.grundrezept.html": (
        "https://web.archive.org/web/20160330101229/http://muffinrezept.net/muffin-grundrezept/",
        "https://web.archive.org/web/20160330101229/http://muffinrezept.net/feed/atom/",
    ),
    "trafilatura__archive.org.stol.it.berlusconi.html": (
        "https://web.archive.org/web/20120216182711/http://www.stol.it/Artikel/Politik",
        "https://web.archive.org/web/20120216182711/http://www.stol.it/rss/feed/AlleRessorts",
    ),
    "trafilatura__blog.mondediplo.net.turpitude.html": (
        "https://blog.mondediplo.net/turpitude-et-architecture",
        "/rss/",
    ),
    "yoxem.github.io__page-14-index.html": ("https://yoxem.github.io/page/14/", "/atom.xml"),
    "yoxem.github.io__page-2-index.html": ("https://yoxem.github.io/page/2/", "/atom.xml"),
    "yusan.github.com__10-bird-xl100-cwm-recovery-index.html": (
        "http://YuSan.github.io/blog/2014/01/10/bird-xl100-cwm-recovery/",
        "/atom.xml",
    ),
    "yusan.github.com__index.html": ("http://YuSan.github.io/", "/atom.xml"),
    "yusan.github.com__page-2-index.html": ("http://YuSan.github.io/blog/page/2/", "/atom.xml"),
}

# Where another stands before it, and why.
MISSES = {
    "simplepie-ng__speedparser-4201.html": "its head links to a feed that is none, which reading tells",
}


@pytest.mark.parametrize(
    ("folder", "name", "url", "expected"),
    [
        (folder, name, *row)
        for folder, table in (("feedfinder", FEEDFINDER), ("html", PAGES))
        for name, row in table.items()
    ],
    ids=[*FEEDFINDER, *PAGES],
)
def test_the_feed_of_a_saved_page_is_the_first(
    corpus: Path, folder: str, name: str, url: str, expected: str
) -> None:
    """The feed that a person would follow is the first candidate; a page without any has none."""
    body = (corpus / "pages" / folder / name).read_bytes()
    found = offered_feeds(Resource(url=url, body=body, content_type="text/html"))
    there = [each.url for each in found]
    wanted = urljoin(url, expected) if expected else None
    if name in MISSES:
        assert wanted in there[1:5]
    else:
        assert next(iter(there), None) == wanted


def test_every_saved_page_is_in_the_table(corpus: Path) -> None:
    """None was left out because it did not suit."""
    pages = {path.name for path in (corpus / "pages" / "html").iterdir()}
    assert pages == PAGES.keys()
    unit_pages = {path.name for path in (corpus / "pages" / "feedfinder").glob("*.html")}
    assert unit_pages == FEEDFINDER.keys()


def test_comments_are_never_the_first(corpus: Path) -> None:
    """On no page of the corpus, wherever it came from."""
    for path in (corpus / "pages" / "html").iterdir():
        found = offered_feeds(Resource(url="https://site.example/", body=path.read_bytes()))
        assert not (found and found[0].is_of_comments and not all(each.is_of_comments for each in found))
