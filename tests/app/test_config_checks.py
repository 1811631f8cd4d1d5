"""The mistakes that `check` finds beyond the form of a config."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from aggregator.app.config_checks import doubts, refusals
from aggregator.config import load as config
from aggregator.errors import ConfigError
from tests.conftest import Answer, Server
from tests.support.site import Site, feed


def found(site: Site, *sources: dict[str, Any], **settings: Any) -> tuple[str, str]:
    """The refusals and the doubts about these sources."""
    site.configure(*sources, **settings)
    loaded = config.load(site.file)
    return "\n".join(refusals(loaded)), "\n".join(doubts(loaded))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"kind": "articles", "path": "nowhere"},
            "nowhere cannot be read: No such file or directory; correct",
        ),
        ({"url": "file:nowhere.xml"}, "nowhere.xml cannot be read: No such file"),
        ({"url": "file:config"}, "config is a folder, not a file"),
        ({"url": "file://other.example/feed.xml"}, "names another machine"),
        ({"kind": "exec", "options": {"command": ["true"]}}, "not allowed to run; set fetch.commands = true"),
        (
            {"kind": "rsshub", "url": "rsshub://a/b"},
            "no instance of RSSHub is known; name some in fetch.rsshub",
        ),
        ({"kind": "mail", "url": "imaps://me@imap.example/"}, "it contains a login; write it as"),
        ({"kind": "mail", "path": "Maildir"}, "Maildir cannot be read"),
        ({"url": "http://localhost/feed"}, "localhost is loopback, not public; if it is yours"),
        ({"url": "http://127.1/feed"}, "127.1 is loopback, not public"),
        ({"url": "http://[::1]:8000/feed"}, "::1 is loopback, not public"),
        ({"url": "http://192.168.1.5/feed"}, "192.168.1.5 is private, not public"),
        ({"url": "http://2130706433/feed"}, "2130706433 is loopback"),
        ({"url": "http://169.254.169.254/feed"}, "is link-local"),
        ({"kind": "mail", "url": "imaps://10.0.0.1/"}, "10.0.0.1 is private"),
        ({"kind": "json", "url": "http://10.0.0.1/api"}, "10.0.0.1 is private"),
        ({"url": "https://a.example:0/"}, "is not an http or https address"),
        ({"url": "https://*.example/feed"}, "not an address that can be fetched"),
        ({"url": f"https://{'ü' * 70}.example/feed"}, "not an address that can be fetched"),
        ({"url": "https://a.example/", "tls_ca": "ca.pem"}, "ca.pem cannot be read: No such file"),
    ],
)
def test_check_finds_what_fetch_would_refuse(site: Site, source: dict[str, Any], message: str) -> None:
    """With the source's name and what to change, without a request."""
    refused, _ = found(site, {"name": "a", **source}, fetch={"allow": []})
    assert refused.startswith("source 'a': ")
    assert message in refused


@pytest.mark.parametrize(
    ("source", "settings"),
    [
        ({"url": "http://localhost:1/feed"}, {"allow": ["localhost"]}),
        ({"url": "http://127.0.0.1:1/feed"}, {"allow": ["127.0.0.0/8"]}),
        ({"url": "https://müller.example/ü"}, {"allow": []}),
        ({"url": "http://nas.lan/feed"}, {"allow": ["*.lan"]}),
        ({"kind": "exec", "options": {"command": ["true"]}}, {"commands": True}),
        ({"kind": "rsshub", "url": "rsshub://a/b"}, {"rsshub": ["https://rsshub.example"]}),
        ({"kind": "articles", "path": "config"}, {"allow": []}),
        ({"kind": "articles", "path": "nowhere", "enabled": False}, {"allow": []}),
    ],
)
def test_allowed_sources_are_not_mistakes(
    site: Site, source: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Disabled sources are not either."""
    assert found(site, {"name": "a", **source}, fetch=settings) == ("", "")


def test_check_agrees_with_fetch(site: Site, server: Server) -> None:
    """Each source that a fetch refuses without asking anybody is refused by the check, and no other."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    sources = (
        {"name": "fine", "url": server.url + "/a"},
        {"name": "loopback", "url": "http://localhost:1/"},
        {"name": "command", "kind": "exec", "options": {"command": ["true"]}},
        {"name": "folder", "kind": "articles", "path": "nowhere"},
    )
    refused, _ = found(site, *sources)
    fetched = site.run("fetch", "-v")
    for name in ("loopback", "command", "folder"):
        assert f"source '{name}': " in refused
        assert f"{name}: " in fetched.output
    assert "fine" not in refused
    checked = site.run("check")
    assert (checked.exit_code, checked.stdout) == (2, "")
    assert f"{site.file}: source 'folder': " in checked.stderr.replace("\n", "")


def test_a_folder_that_may_not_be_read_is_found(site: Site) -> None:
    """By the user who will fetch: root may read everything, so another asks."""
    folder = site.home / "notes"
    folder.mkdir(mode=0)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from aggregator.adapters import kinds\n"
        "from aggregator.fetch.source_checks import refusal\n"
        "from aggregator.config.load import Fetch, Source\n"
        "kinds.named('articles')\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "print(refusal(Source(name='a', kind='articles', path=Path(sys.argv[1])), Fetch()))"
    )
    for parent in site.home.parents:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o711)
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert "cannot be read: Permission denied" in done.stdout


@pytest.mark.parametrize(
    ("one", "other", "is_told"),
    [
        ({"url": "https://a.example/feed"}, {"url": "http://A.example/feed/"}, True),
        ({"url": "https://a.example/feed"}, {"url": "https://a.example/feed?x"}, False),
        ({"url": "https://a.example/feed"}, {"url": "https://a.example/feed", "kind": "json"}, False),
        (
            {"url": "https://a.example/", "kind": "sitemap", "options": {"entries": 3}},
            {"url": "https://a.example/", "kind": "sitemap", "options": {"entries": 4}},
            False,
        ),
        ({"path": "config", "kind": "articles"}, {"path": "./config/", "kind": "articles"}, True),
    ],
)
def test_two_sources_of_one_place_are_a_doubt(
    site: Site, one: dict[str, Any], other: dict[str, Any], is_told: bool
) -> None:
    """The same address, kind and options; anything else may be meant."""
    _, doubt = found(site, {"name": "one", **one}, {"name": "other", **other})
    assert ("source 'other' reads what 'one' reads" in doubt) is is_told


def test_categories_that_look_the_same_are_a_doubt(site: Site) -> None:
    """Of sources, of publish.categories and of the retention."""
    _, doubt = found(
        site,
        {"name": "a", "url": "https://a.example/", "categories": ["News", "Tea"]},
        {"name": "b", "url": "https://b.example/", "categories": ["news", "Straße"]},
        retention={"categories": {"STRASSE": 3}},
    )
    assert "the categories 'News' and 'news' differ by case only" in doubt
    assert "'Straße' and 'STRASSE'" in doubt
    assert "Tea" not in doubt
    shown = site.run("check")
    assert (shown.exit_code, "'News' and 'news'" in shown.stdout) == (0, True)


def test_an_output_that_is_a_file_is_a_mistake(site: Site) -> None:
    """Nothing could be written there."""
    refused, _ = found(site, output="config/aggregator.toml", store="config")
    assert "output: " in refused
    assert "store: " in refused


def test_doubts_are_reported_beside_mistakes(site: Site) -> None:
    """One run of `check` names everything."""
    folder = {"kind": "articles", "path": "missing"}
    site.configure(
        {"name": "a", **folder, "categories": ["Tea"]}, {"name": "b", **folder, "categories": ["tea"]}
    )
    result = site.run("check")
    assert result.exit_code == 2
    assert "missing cannot be read" in result.stderr
    assert "'Tea'" in result.stdout
    assert "'b'" in result.stdout


def test_templates_are_compiled(site: Site) -> None:
    """With the file and the line of each mistake."""
    folder = site.home / "templates"
    folder.mkdir()
    (folder / "category.html").write_text("\n{% if %}")
    (folder / "pgae.html").write_text("")
    refused, _ = found(site, publish={"pages": {"templates": "templates"}})
    assert "templates/category.html:2: Expected an expression" in refused
    assert "templates/pgae.html: replaces no page, and no template here includes it; did you mean" in refused


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        ({}, ""),
        ({"url": "https://planet.example/"}, ""),
        ({"url": "http://planet.example/"}, "serve.url is not https"),
        ({"url": "http://127.0.0.1:8000/"}, "its host 127.0.0.1 is loopback, not public"),
        ({"url": "https://10.1.2.3/"}, "its host 10.1.2.3 is private, not public"),
        ({"url": "https://localhost/"}, "its host localhost has no domain"),
    ],
)
def test_an_address_that_hubs_cannot_reach_is_a_doubt(serve: dict[str, object], said: str) -> None:
    """It may be reached from this network alone."""
    made = config.Config.model_validate({"site": {"url": "https://planet.example/"}, "serve": serve})
    found = [doubt for doubt in doubts(made) if "serve.url" in doubt]
    assert [said in doubt for doubt in found] == [True] * bool(said)


@pytest.mark.parametrize(
    "url", ["planet.example", "https://a.example/?x=1", "https://me:x@a.example/", "ftp://a.example"]
)
def test_a_public_address_is_a_plain_one(url: str) -> None:
    """Hubs are given it, with more behind it."""
    with pytest.raises(ValueError, match="address"):
        config.Config.model_validate({"serve": {"url": url}})


def test_check_reports_that_no_hub_can_be_subscribed_to(site: Site) -> None:
    """Unless that is meant, or there is no public site at all."""
    said = "serve.url is not set: no hub is asked"
    assert said in site.run("check").output
    site.configure(serve={"websub": False})
    assert said not in site.run("check").output
    site.configure(site={"title": "Mine"})
    assert said not in site.run("check").output


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"publish.posts.folder": "blog/content/posts"}, "publish.posts.folder"),
        ({"publish.posts.folder": "blog"}, "publish.posts.folder"),
        ({"output": "blog/public"}, "output"),
    ],
)
def test_no_folder_of_articles_may_have_what_is_written(
    site: Site, settings: dict[str, str], key: str
) -> None:
    """Each post was read as an article, and written again as another post, at every fetch."""
    site.configure({"name": "Own", "kind": "articles", "path": "blog"}, **settings)
    with pytest.raises(ConfigError, match=f"{key}: source 'Own' reads .*blog, and what is written here"):
        config.load(site.file)
    site.configure({"name": "Own", "kind": "articles", "path": "blog/mine"}, **settings)
    config.load(site.file)


def test_a_store_in_the_output_folder_is_doubtful(site: Site) -> None:
    """A web server would show it to anyone."""
    _, doubtful = found(site, output=".")
    assert "aggregator.db is in the output folder" in doubtful
