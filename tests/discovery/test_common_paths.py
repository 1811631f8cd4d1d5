"""Where feeds and sitemaps lie on a site that names none."""

from __future__ import annotations

from aggregator.discovery import common_paths, named_sitemaps
from aggregator.discovery.common_paths import MAX_PATHS, MAX_SITEMAPS


def test_feeds_are_looked_for_at_the_root() -> None:
    """For the root of a site."""
    paths = common_paths("https://example.org")
    assert paths[:3] == (
        "https://example.org/feed",
        "https://example.org/rss.xml",
        "https://example.org/feed.xml",
    )
    assert len(paths) == MAX_PATHS


def test_a_page_below_a_path_is_read_before_the_front_page() -> None:
    """A blog below the root has its feed beside it; the number stays bounded."""
    paths = common_paths("https://example.org/blog/index.html?x=1")
    assert paths[0] == "https://example.org/blog/feed"
    assert "https://example.org/feed" in paths
    assert len(paths) == MAX_PATHS


def test_robots_txt_names_the_sitemaps() -> None:
    """In any case of letters; relative ones, and no more than a few."""
    robots = (
        b"User-agent: *\nSITEMAP: /news.xml\nSitemap: https://cdn.example/map.xml # x\nsitemap: ftp://x/y\n"
    )
    found = named_sitemaps(robots, "https://example.org/a/")
    assert found[0] == "https://example.org/news.xml"
    assert len(found) == 2
    many = b"".join(b"Sitemap: /%d.xml\n" % n for n in range(50))
    assert len(named_sitemaps(many, "https://example.org/")) == MAX_SITEMAPS


def test_without_a_robots_txt_the_usual_sitemap_is_tried() -> None:
    """/sitemap.xml."""
    assert named_sitemaps(b"\xff\x00<html>", "https://example.org/a") == ("https://example.org/sitemap.xml",)
