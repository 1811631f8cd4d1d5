"""Selectors that are proposed, over real pages: how many give the entries that a person would mark."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.adapters.page import list_page as page
from aggregator.adapters.page.options import ListPageOptions
from aggregator.errors import ReadError
from aggregator.model.entry import Feed
from aggregator.model.resource import Resource

PAGES = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "pages" / "html"
pytestmark = pytest.mark.skipif(not PAGES.exists(), reason="the corpus of real pages is not here")

MARKED: dict[str, tuple[int, str | None, str | None]] = {
    "0NG.github.io__archives-index.html": (5, "/posts/7f76935c/", "/posts/eeea93b8/"),
    "FeedReader__codehollow.html": (
        10,
        "ge-device-owner-of-an-azure-ad-joined-device/",
        "2017/06/connect-windows-10-clients-azure-vpn/",
    ),
    "KPDwyer.github.io__authors-kyle-dwyer-index.html": (
        8,
        "https://kpdwyer.github.io/social-media.html",
        "dwyer.github.io/wave-function-collapse-2.html",
    ),
    "MyBlog__笔记-五笔学习-index.html": (
        53,
        "/2019/03/14/w650dc-hackintosh/",
        "/2018/12/12/Hexo-Theme-Sakura/",
    ),
    "SwiftGGTeam.github.io__2017-09-index.html": (
        5,
        "/25/core-nfc-tutorial-for-nfc-on-ios-devices/",
        "all-about-concurrency-in-swift-1-the-present/",
    ),
    "blog.popekim.com__page-10-index.html": (
        10,
        "nting-guide-appendix-b-artists-portfolio.html",
        "18/feedback-for-my-kgc-2011-presentation.html",
    ),
    "blog.popekim.com__page-2-index.html": (
        10,
        "/en/2025/08/17/tempdata-helper.html",
        "5/02/09/intro-to-shader-programming-book.html",
    ),
    "chris22smith.github.io___site-index.html": (
        5,
        "/blog/2024/bulk-deleting-tweets/",
        "/blog/2024/a-dedicated-pull-request-channel/",
    ),
    "de-altcoin___site-index.html": (5, "/dir/segwit2x-ledger-trezor/", "/dir/wyckoff/"),
    "drillan.github.io__index.html": (15, "/dir/notebooks/sma_by_vaex.html", "/dir/about.html"),
    "drillan.github.io__index_tag_tags_jupyter.html": (
        7,
        "/dir/notebooks/bokeh_rangetool.html",
        "/dir/notebooks/bokeh_sample.html",
    ),
    "feedless__03-telepolis-de.input.html": (
        15,
        "features/Wegen-oder-mit-COVID-19-4960288.html",
        "hes-Verbot-des-politischen-Islam-4958416.html",
    ),
    "feedless__07-craigslist.input.html": (
        120,
        "rac-sand-workchassis-boxpower/7261907759.html",
        "ilene-nuclear-medicine-pet-ct/7255079062.html",
    ),
    "football-news-site__index.html": (
        13,
        "/jurgen-klopp-germany-national-team",
        "/infantino-balogun-scandal",
    ),
    "football-news-site__world-cup-2026.html": (9, "/infantino-balogun-scandal.html", "/owen-england"),
    "html2rss__combined_scraper_sources.html": (
        6,
        "/articles/acme-laptop-m3-2024",
        "/articles/acme-cloud-services-expansion",
    ),
    "html2rss__conditional_processing_site.html": (6, "/articles/technology-update", "/articles/no-status"),
    "html2rss__dynamic_content_site.html": (
        6,
        "/articles/ai-breakthrough-2024",
        "/articles/cybersecurity-threats-2024",
    ),
    "html2rss__multilang_site.html": (8, None, None),
    "html2rss__performance_optimized_site.html": (
        5,
        "/articles/technology-breakthrough",
        "/articles/health-tips",
    ),
    "html2rss__unreliable_site.html": (
        5,
        "/articles/breaking-news-technology-advances",
        "/articles/health-wellness-update",
    ),
    "izquierdahispanica-org__page-2-index.html": (5, "/2011/ejercito/", "/2011/respuesta-israel-palestina/"),
    "kamekokamekame.net__2017-index.html": (
        43,
        "/dir/2017-01-07-article.html",
        "/dir/2017-12-31-article.html",
    ),
    "kamekokamekame.net__2024-index.html": (
        9,
        "/dir/2024-12-01-article.html",
        "/dir/2024-12-31-article.html",
    ),
    "kcua-musicology.github.io__blog-卒業生の活動-blog-index.html": (
        3,
        "ps://kcua-musicology.github.io/2025-6meeting/",
        "//kcua-musicology.github.io/20241201_meeting/",
    ),
    "legacy-botzilla__2003_08.html": (
        18,
        "://www.botzilla.com/blog/archives/000245.html",
        "://www.botzilla.com/blog/archives/000227.html",
    ),
    "microblog_mirror__archive-index.html": (
        970,
        ".com/2026/08/22/for-the-sake-of-building.html",
        "nderkucera.com/2006/03/11/feeling-like-a.html",
    ),
    "odooist.github.io__index.html": (
        5,
        "/dir/posts/detect-upgrade-procedure/",
        "/dir/posts/new-xpath-element-named-move/",
    ),
    "picoFeed__html_reader_linuxfr.html": (
        16,
        "-7-mars-2019-sur-le-blocage-de-sci-hub-libgen",
        "a-du-libre-pour-la-semaine-15-de-l-annee-2019",
    ),
    "picoFeed__html_reader_universfreebox.html": (
        25,
        "ckbusters-recents-offerts-pour-les-Freenautes",
        "ctivites-denoncent-un-cavalier-seul-de-l-Etat",
    ),
    "simplepie-ng__speedparser-0973.html": (
        10,
        "ege.ning.com/profiles/blogs/confiram-o-blog-a",
        "om/profiles/blogs/o-experimento-do-colisor-de",
    ),
    "simplepie-ng__speedparser-0995.html": (
        10,
        "80%ce%bd%ce%af%ce%b3%ce%b5%cf%84%ce%b1%ce%b9/",
        "1%cf%83%ce%b7-%ce%b4%ce%b7%ce%bc%ce%b9%ce%bf/",
    ),
    "simplepie-ng__speedparser-1005.html": (
        15,
        "http://blog.amritpal.in/post/10907353613",
        "ycedotvc-the-airbnb-story-is-an-inspiring-one",
    ),
    "simplepie-ng__speedparser-2032.html": (
        5,
        "g/how-richard-branson-bought-an-island-part-3",
        "g/how-richard-branson-bought-an-island-part-1",
    ),
    "simplepie-ng__speedparser-2110.html": (
        10,
        "surveillez-votre-hygiene-de-vie-avec-weekmate",
        "blog/google-wallet-lancement-officiel-aux-usa",
    ),
    "simplepie-ng__speedparser-3109.html": (
        3,
        "http://zrce.eu/2011/09/das-neue-zrce-eu/",
        "http://zrce.eu/2011/09/papaya-podcast/",
    ),
    "simplepie-ng__speedparser-3528.html": (
        15,
        "//lurkdattwerkdat.tumblr.com/post/10984470768",
        "//lurkdattwerkdat.tumblr.com/post/10878552622",
    ),
    "simplepie-ng__speedparser-3616.html": (
        10,
        "fsnieuws/campagnesite-betersorteren-be-online",
        "10818/mobile-app/beauty-parfumerie-mobile-app",
    ),
    "simplepie-ng__speedparser-3755.html": (
        11,
        "/More_World_of_Warcraft_Comics-9_30_2011#blog",
        "tch_43_Public_Test_Realms_Live-9_27_2011#blog",
    ),
    "simplepie-ng__speedparser-3763.html": (
        4,
        "com/profiles/blogs/the-everyman-phone-and-the",
        ".ning.com/profiles/blogs/wilmurrrrrrr-breathe",
    ),
    "simplepie-ng__speedparser-3888.html": (
        11,
        "/More_World_of_Warcraft_Comics-9_30_2011#blog",
        "tch_43_Public_Test_Realms_Live-9_27_2011#blog",
    ),
    "simplepie-ng__speedparser-4201.html": (
        16,
        "-iprop-ein-praktischer-stander-fur-euer-ipad/",
        "11/08/03/neu-deutsche-zeitschrift-zu-android/",
    ),
    "simplepie-ng__speedparser-4476.html": (
        11,
        "/More_World_of_Warcraft_Comics-9_30_2011#blog",
        "tch_43_Public_Test_Realms_Live-9_27_2011#blog",
    ),
    "yoxem.github.io__page-14-index.html": (
        10,
        "fa-su_to_Taiwanese_Hakka_Romanization_System/",
        "E5%85%A5%E6%97%81%E8%A8%BB%E6%A8%99%E8%A8%98/",
    ),
    "yoxem.github.io__page-2-index.html": (
        10,
        "1/04/25/be7tshut4gian5gi2e5siau3lian5lang5-3/",
        "/2020/12/03/bo5SNSe5jit8tsi2-11/",
    ),
    "yusan.github.com__index.html": (
        10,
        "/21/zai-linuxxia-an-zhuang-duo-ge-jdkban-ben/",
        "/blog/2014/01/27/galapad-s6-lewa-os5-0124/",
    ),
    "yusan.github.com__page-2-index.html": (
        10,
        "/blog/2014/01/18/galapad-s6-lewa-140117/",
        "/blog/2013/12/14/galapad-s6-lewa-os5/",
    ),
}
"""By hand: how many entries a page lists, and how the links of the first and the last of them end.

Left out are pages that list no entries (one article, months, tags, forums) or several lists of equal rank.
"""

MISSED = {
    "html2rss__multilang_site.html": "its entries have no links",
    "html2rss__unreliable_site.html": "five entries under two classes in turn; those of one class are found",
    "simplepie-ng__speedparser-0973.html": "a forum's topics stand among the blog's posts, in the same form",
}
"""Marked pages whose entries are not those that are found, and why."""

ALL = sorted(path.name for path in PAGES.iterdir()) if PAGES.exists() else []


def read(name: str) -> Feed:
    """The page, with no selectors given."""
    resource = Resource(url="https://site.example/dir/page.html", body=(PAGES / name).read_bytes())
    return page.read(resource, ListPageOptions())


def is_as_marked(name: str) -> bool:
    """Whether the entries that are found are those that a person marked."""
    count, first, last = MARKED[name]
    links = [entry.links[0].href if entry.links else "" for entry in read(name).entries]
    return len(links) == count and links[0].endswith(first or "-") and links[-1].endswith(last or "-")


@pytest.mark.parametrize("name", MARKED)
def test_the_entries_of_a_real_page_are_found(name: str) -> None:
    """44 of 47; one that is found after all leaves the list of those that are missed."""
    assert is_as_marked(name) is (name not in MISSED)


@pytest.mark.parametrize("name", ALL)
def test_every_real_page_gives_entries_or_a_helpful_error(name: str) -> None:
    """It gives entries with a title or a link each, or an error that says what to do."""
    try:
        feed = read(name)
    except ReadError as error:
        reported = error.message
        feed = Feed()
    else:
        reported = ""
    assert feed.entries or "give the options" in reported
    assert all(entry.title or entry.links for entry in feed.entries)
