"""The table of known sites: an address, sometimes with what its page says, -> the feeds."""

from __future__ import annotations

import pytest

from aggregator.adapters import kinds
from aggregator.discovery.known_sites import feeds

CHANNEL = "UC" + "a1-_" * 5 + "zz"
UPLOADS = "https://www.youtube.com/feeds/videos.xml"


@pytest.mark.parametrize(
    ("url", "first"),
    [
        (f"https://www.youtube.com/channel/{CHANNEL}/videos", f"{UPLOADS}?channel_id={CHANNEL}"),
        ("https://m.youtube.com/playlist?list=PL0123-_x", f"{UPLOADS}?playlist_id=PL0123-_x"),
        ("https://www.youtube.com/user/somebody", f"{UPLOADS}?user=somebody"),
        ("https://github.com/pallets/flask", "https://github.com/pallets/flask/releases.atom"),
        ("https://github.com/pallets/flask.git", "https://github.com/pallets/flask/releases.atom"),
        ("https://github.com/pallets/flask/issues?q=x", "https://github.com/pallets/flask/releases.atom"),
        ("https://github.com/pallets/flask/tags", "https://github.com/pallets/flask/tags.atom"),
        (
            "https://github.com/pallets/flask/commits/main/src/flask/app.py",
            "https://github.com/pallets/flask/commits/main/src/flask/app.py.atom",
        ),
        ("https://github.com/davidism", "https://github.com/davidism.atom"),
        ("https://gitlab.com/group/sub/project", "https://gitlab.com/group/sub/project/-/releases.atom"),
        ("https://gitlab.com/group/project/-/issues", "https://gitlab.com/group/project/-/releases.atom"),
        ("https://codeberg.org/forgejo/forgejo", "https://codeberg.org/forgejo/forgejo/releases.rss"),
        ("https://old.reddit.com/r/Python/", "https://www.reddit.com/r/Python/.rss"),
        ("https://www.reddit.com/r/Python/top?t=week", "https://www.reddit.com/r/Python/top/.rss?t=week"),
        ("https://www.reddit.com/u/spez", "https://www.reddit.com/user/spez/submitted/.rss"),
        ("https://www.reddit.com/r/Python/comments/1abc/title/", "https://www.reddit.com/r/Python/.rss"),
        ("https://bsky.app/profile/a.example", "https://bsky.app/profile/a.example/rss"),
        ("https://medium.com/@somebody/a-story-123", "https://medium.com/feed/@somebody"),
        ("https://medium.com/netflix-techblog", "https://medium.com/feed/netflix-techblog"),
        ("https://medium.com/tag/python", "https://medium.com/feed/tag/python"),
        ("https://somebody.medium.com/a-story", "https://somebody.medium.com/feed"),
        ("https://letters.substack.com/p/one", "https://letters.substack.com/feed"),
        ("https://substack.com/@letters", "https://letters.substack.com/feed"),
        ("https://t.me/telegram", "https://t.me/s/telegram"),
        ("https://t.me/s/telegram?before=20", "https://t.me/s/telegram"),
        ("https://t.me/telegram/15", "https://t.me/s/telegram"),
        ("https://a-blog.blogspot.com/2020/", "https://a-blog.blogspot.com/feeds/posts/default"),
        ("https://a-blog.blogspot.co.uk/", "https://a-blog.blogspot.co.uk/feeds/posts/default"),
        ("https://somebody.tumblr.com/post/1", "https://somebody.tumblr.com/rss"),
        ("https://somebody.tumblr.com/tagged/cats", "https://somebody.tumblr.com/tagged/cats/rss"),
        ("https://www.tumblr.com/somebody/123", "https://somebody.tumblr.com/rss"),
        ("https://news.ycombinator.com/", "https://news.ycombinator.com/rss"),
        ("https://stackoverflow.com/questions/tagged/rss", "https://stackoverflow.com/feeds/tag/rss"),
        (
            "https://unix.stackexchange.com/questions/tagged/a+or+b",
            "https://unix.stackexchange.com/feeds/tag/a+or+b",
        ),
        ("https://stackoverflow.com/questions/42/how", "https://stackoverflow.com/feeds/question/42"),
        ("https://mathoverflow.net/", "https://mathoverflow.net/feeds"),
        ("https://arxiv.org/list/cs.AI/recent", "https://rss.arxiv.org/atom/cs.AI"),
        ("https://arxiv.org/archive/math", "https://rss.arxiv.org/atom/math"),
        ("https://pypi.org/project/requests/", "https://pypi.org/rss/project/requests/releases.xml"),
        ("https://crates.io/crates/serde", "https://static.crates.io/rss/crates/serde.xml"),
        ("https://dev.to/somebody", "https://dev.to/feed/somebody"),
        ("https://vimeo.com/staff", "https://vimeo.com/staff/videos/rss"),
        (
            "https://store.steampowered.com/app/620/Portal_2/",
            "https://store.steampowered.com/feeds/news/app/620",
        ),
        ("https://somebody.wordpress.com/about", "https://somebody.wordpress.com/feed/"),
    ],
)
def test_an_address_is_enough(url: str, first: str) -> None:
    """The best of what the site has for it."""
    assert feeds(url)[0].url == first


@pytest.mark.parametrize(
    ("url", "page", "first"),
    [
        (
            "https://www.youtube.com/@somebody",
            f'"channelId":"UC{"x" * 22}" <link rel="canonical" href="https://www.youtube.com/channel/{CHANNEL}">',
            f"{UPLOADS}?channel_id={CHANNEL}",
        ),
        (
            "https://www.youtube.com/c/Somebody",
            f'<meta itemprop="identifier" content="{CHANNEL}">',
            f"{UPLOADS}?channel_id={CHANNEL}",
        ),
        (
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            f'"videoDetails":{{"channelId":"{CHANNEL}"}}',
            f"{UPLOADS}?channel_id={CHANNEL}",
        ),
        (
            "https://social.example/@somebody/1",
            "<link href='x' rel='alternate' type='application/activity+json'>",
            "https://social.example/@somebody.rss",
        ),
        (
            "https://git.example:8443/group/project",
            '<meta content="GitLab" property="og:site_name">',
            "https://git.example:8443/group/project/-/releases.atom",
        ),
        (
            "https://podcasts.apple.com/us/podcast/a-show/id123?i=4",
            r'{"name":"A show","feedUrl":"https:\/\/feeds.example\/show?a=1&b=2"}',
            "https://feeds.example/show?a=1&b=2",
        ),
        (
            "https://soundcloud.com/somebody",
            '<meta property="al:ios:url" content="soundcloud://users:42">',
            "https://feeds.soundcloud.com/users/soundcloud:users:42/sounds.rss",
        ),
        (
            "https://blog.example/2024/post",
            "<link rel='https://api.w.org/' href='https://blog.example/sub/wp-json/' />",
            "https://blog.example/sub/feed/",
        ),
        (
            "https://stories.example/one",
            '<meta property="al:android:package" content="com.medium.reader">',
            "https://stories.example/feed",
        ),
        (
            "https://letters.example/p/one",
            '<link rel="preconnect" href="https://substackcdn.com">',
            "https://letters.example/feed",
        ),
        (
            "https://diary.example/",
            "<meta content='blogger' name='generator'/>",
            "https://diary.example/feeds/posts/default",
        ),
    ],
)
def test_a_page_completes_what_the_address_does_not_tell(url: str, page: str, first: str) -> None:
    """What the address does not tell is in the page; without it nothing is known."""
    assert feeds(url, page)[0].url == first
    assert feeds(url) == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/",
        "https://github.com/features/actions",
        "https://github.com/",
        "https://t.me/joinchat/abcdef",
        "https://t.me/c/123/4",
        "https://notgithub.com/a/b",
        "https://github.com.evil.example/a/b",
        "ftp://github.com/a/b",
        "file:///github.com/a/b",
        "https://[broken/",
        f"https://github.com/{'a' * 3000}/b",
    ],
)
def test_other_addresses_are_not_known(url: str) -> None:
    """A part of a name is not the site; pages that belong to no user have no feed."""
    assert feeds(url) == ()


def test_a_telegram_channel_is_a_page_with_selectors() -> None:
    """It has no feed: its public page is read by kind page."""
    (channel,) = feeds("https://t.me/telegram")
    assert channel.kind == "page"
    assert kinds.mistakes("page", channel.options) == []
    assert channel.options["item"] == ".tgme_widget_message_wrap"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "https:\\\\"])
def test_feed_addresses_of_a_page_must_be_web_addresses(url: str) -> None:
    """A page cannot name anything but http and https."""
    assert feeds("https://podcasts.apple.com/podcast/id1", f'"feedUrl":"{url}"') == ()
