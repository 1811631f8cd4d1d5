"""The config: what it accepts, and how it tells what it does not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.config import load as config
from aggregator.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    """A config file in the place where a config belongs."""
    file = folder / "config" / "aggregator.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(folder: Path, text: str) -> str:
    """Returns what `load` says of a wrong config."""
    with pytest.raises(ConfigError) as caught:
        config.load(write(folder, text))
    return str(caught.value)


def test_the_config_that_ships_is_valid() -> None:
    """The file that a newcomer runs first loads, and has the seeds among its sources."""
    loaded = config.load(Path(__file__).parents[2] / "config" / "aggregator.toml")
    assert loaded.sources[0].path == Path(__file__).parents[2] / "seeds"
    assert loaded.interval == timedelta(hours=1)


def test_relative_paths_count_from_the_folder_that_holds_config(tmp_path: Path) -> None:
    """Store, output, folders of articles and `file:` addresses all count from the same place."""
    loaded = config.load(
        write(
            tmp_path,
            """
            store = "var/x.db"
            [[sources]]
            name = "folder"
            kind = "articles"
            path = "seeds"
            [[sources]]
            name = "file"
            url = "file:saved/feed.xml"
            """,
        )
    )
    assert loaded.store == tmp_path / "var/x.db"
    assert loaded.output == tmp_path / "feeds"
    assert loaded.sources[0].path == tmp_path / "seeds"
    assert loaded.sources[1].url == (tmp_path / "saved/feed.xml").as_uri()


def test_paths_of_a_config_outside_config_are_relative_to_its_folder(tmp_path: Path) -> None:
    """A file that lies elsewhere is its own home."""
    file = tmp_path / "planet.toml"
    file.write_text('output = "out"')
    assert config.load(file).output == tmp_path / "out"


def test_every_mistake_is_reported_at_once_with_file_and_key(tmp_path: Path) -> None:
    """A person mends a config in one go: nothing is hidden behind the first mistake."""
    message = mistakes(
        tmp_path,
        """
        stor = "x"
        entries_per_feed = "50"
        interval = "1 fortnight"
        [site]
        title = 3
        url = "example.org"
        [[sources]]
        name = "a"
        kind = "fed"
        [[sources]]
        name = "a"
        url = "ftp://example.org/"
        categoris = ["x"]
        [[sources]]
        url = "https://example.org/"
        path = "x"
        """,
    )
    for part in (
        "stor: is not a known key; did you mean 'store'?",
        "entries_per_feed: ",
        "interval: write a number and a unit",
        "site.title: ",
        "site.url: write an absolute address, such as \"https://example.org/feeds\", not 'example.org'",
        "sources[1].kind (source 'a'): no kind is named 'fed'; there are ",
        "sources[2].name: 'a' is the name of sources[1] too",
        "sources[2].url (source 'a'): write an address, such as",
        "sources[2].categoris (source 'a'): is not a known key; did you mean 'categories'?",
        "sources[3].name: is missing",
        "sources[3]: a source of kind 'feed' needs 'url' and no 'path'",
    ):
        assert part in message
    assert all(line.startswith(str(tmp_path)) for line in message.splitlines())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("title = ", "is not TOML"),
        ('[[sources]]\nname = "a"\nkind = "articles"\nurl = "https://example.org/"', "needs 'path'"),
        ('[[sources]]\nname = "a"\nurl = "https://"', "write an address"),
        ('[[sources]]\nname = "a"\nurl = "file://[]/x"', "write an address"),
        ('[[sources]]\nname = "a"\nurl = "https://example.org/"\ncategories = [""]', "write a name"),
        ('[[sources]]\nname = ""\nurl = "https://example.org/"', "write 1 character or more"),
        ('interval = "-1h"', "write a number and a unit"),
        ("entries_per_feed = 0", "write 1 or more, not 0"),
        ("[[site]]\ntitle = 'x'", "site"),
        ("sources = 3", "sources"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_would_be_right(tmp_path: Path, text: str, reason: str) -> None:
    """Each kind of mistake has its own words."""
    assert reason in mistakes(tmp_path, text)


def test_a_missing_or_undecodable_config_is_an_error_with_advice(tmp_path: Path) -> None:
    """No traceback for a file that is not there or is not UTF-8."""
    with pytest.raises(ConfigError, match="create one with 'aggregator init', or name one with --config"):
        config.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"store = '\xe9'")
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        config.load(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("45s", timedelta(seconds=45)), ("30 m", timedelta(minutes=30)), ("2D", timedelta(days=2))],
)
def test_durations_are_a_number_and_a_unit(tmp_path: Path, text: str, wanted: timedelta) -> None:
    """Seconds to weeks, in the way people write them."""
    assert config.load(write(tmp_path, f'interval = "{text}"')).interval == wanted


def test_sources_are_selected_by_name(tmp_path: Path) -> None:
    """All enabled ones, or the named ones, or word of a name that is not there."""
    loaded = config.load(
        write(
            tmp_path,
            """
            [[sources]]
            name = "News"
            url = "https://example.org/a"
            [[sources]]
            name = "Old"
            url = "https://example.org/b"
            enabled = false
            """,
        )
    )
    assert [s.name for s in loaded.select([])] == ["News"]
    assert [s.name for s in loaded.select(["Old"])] == ["Old"]
    with pytest.raises(ConfigError, match="no source is named 'Nws'; did you mean 'News'"):
        loaded.select(["Nws"])


SOURCE = '[[sources]]\nname = "a"\nurl = "https://example.org/"\n'


def test_secrets_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable's name in the config, its value in the source; written out where the user wants it."""
    monkeypatch.setenv("AGGREGATOR_TEST", "s3cret\n")
    text = """
    auth = { user = "me", password = { env = "AGGREGATOR_TEST" } }
    cookie = { env = "AGGREGATOR_TEST" }
    headers = { X-Key = { env = "AGGREGATOR_TEST" }, Accept-Language = "de" }
    """
    source = config.load(write(tmp_path, SOURCE + text)).sources[0]
    assert source.auth is not None
    assert source.auth.password is not None
    assert source.auth.password.get_secret_value() == "s3cret"
    assert [(name, value.get_secret_value()) for name, value in source.headers] == [
        ("X-Key", "s3cret"),
        ("Accept-Language", "de"),
    ]
    assert "s3cret" not in repr(source)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('auth = { user = "me", pasword = "hunter2" }', "did you mean 'password'?"),
        ('auth = { user = "hunter2" }', "auth (source 'a'): set user and password, or bearer"),
        ('auth = { user = "a", password = "hunter2", bearer = "x" }', "set user and password, or bearer"),
        ('auth = { user = "a:b", password = "hunter2" }', "cannot contain a colon"),
        ('auth = { bearer = { env = "AGGREGATOR_NONE" } }', "variable AGGREGATOR_NONE is not set"),
        ('cookie = "hunter2\\nX: y"', "a text of one line"),
        ('headers = { X-Key = "hunter2\\r\\n" }', "a text of one line"),
        ('headers = { Host = "hunter2" }', "Host cannot be set here"),
        ('headers = { cookie = "hunter2" }', "use cookie"),
        ('headers = { "X Y" = "hunter2" }', "cannot be a header's name"),
        ('headers = ["hunter2"]', "write a table"),
        ('proxy = "ftp://hunter2@x/"', "write the proxy's address"),
        ('proxy = "socks5h://u:hunter2@x:1080"', "SOCKS is not supported"),
        ('user_agent = "Mozilla\\n"', "on one line in ASCII"),
    ],
)
def test_a_wrong_secret_is_refused_and_never_repeated(tmp_path: Path, text: str, reason: str) -> None:
    """What might be a password does not reach a terminal or a log."""
    message = mistakes(tmp_path, SOURCE + text)
    assert reason in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("127.0.0.1", "127.0.0.1/32"),
        ("192.168.0.0/16", "192.168.0.0/16"),
        ("[::1]", "::1/128"),
        ("Intranet.Example.", "intranet.example"),
        ("*.LAN", "*.lan"),
        ("Bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_places_that_may_be_reached_are_kept_in_one_form(tmp_path: Path, place: str, kept: str) -> None:
    """Addresses, networks, hosts, and all hosts below a domain."""
    assert config.load(write(tmp_path, f'[fetch]\nallow = ["{place}"]')).fetch.allow == (kept,)


def test_a_time_zone_is_one_of_the_iana_database(tmp_path: Path) -> None:
    """Anything else says what would be right."""
    assert (
        config.load(write(tmp_path, f'{SOURCE}timezone = "Europe/Berlin"')).sources[0].timezone
        == "Europe/Berlin"
    )
    assert "write a name of the IANA database" in mistakes(tmp_path, f'{SOURCE}timezone = "CET+1"')


def test_players_are_https_addresses(tmp_path: Path) -> None:
    """Anything else says what would be right; a key that is not known is named."""
    player = "https://video.example/embed/"
    assert config.load(write(tmp_path, f'[html]\nplayers = ["{player}"]')).html.players == (player,)
    assert "write the https address" in mistakes(tmp_path, '[html]\nplayers = ["video.example"]')
    assert "known here: players" in mistakes(tmp_path, '[html]\nframes = ["video.example"]')


@pytest.mark.parametrize(
    "place", ["127.0.0.1:80", "1.2.3", "300.1.1.1", "a b", "10.0.0.1/8", "", "*", "http://x"]
)
def test_invalid_networks_in_allow_are_refused(tmp_path: Path, place: str) -> None:
    """A typing error must not look like a permission."""
    assert "write addresses, networks or hosts" in mistakes(tmp_path, f'[fetch]\nallow = ["{place}"]')


def test_files_of_authorities_count_from_the_home_folder(tmp_path: Path) -> None:
    """As every path of the config does."""
    loaded = config.load(write(tmp_path, f'[fetch]\ntls_ca = "ca.pem"\n{SOURCE}tls_ca = "own.pem"'))
    assert (loaded.fetch.tls_ca, loaded.sources[0].tls_ca) == (tmp_path / "ca.pem", tmp_path / "own.pem")


def test_a_sources_retention_replaces_the_configs(tmp_path: Path) -> None:
    """Durations and counts; an empty table keeps everything; a source has no categories to count."""
    text = f"""
    [retention]
    max_age = "365d"
    max_articles = 1000
    categories = {{ Links = 50 }}
    {SOURCE}
    retention = {{}}
    """
    loaded = config.load(write(tmp_path, text))
    assert loaded.retention.max_age == timedelta(days=365)
    assert (loaded.retention.max_articles, loaded.retention.categories) == (1000, {"Links": 50})
    assert loaded.sources[0].retention == config.Keep()
    message = mistakes(tmp_path, SOURCE + "retention = { categories = { Links = 0 } }")
    assert (
        "retention.categories (source 'a'): is not a known key; known here: max_age, max_articles" in message
    )
    assert "retention.max_articles: " in mistakes(tmp_path, "[retention]\nmax_articles = 0")
    assert "did you mean 'max_age'?" in mistakes(tmp_path, "[retention]\nmax_ages = 1")


def test_credentials_bind_a_source_to_its_origin(tmp_path: Path) -> None:
    """Login, headers and TLS settings; not what every host is reported, nor an @ in a path."""

    def is_bound(line: str, url: str = "https://example.org/") -> bool:
        text = f'[[sources]]\nname = "a"\nurl = "{url}"\n{line}'
        return config.load(write(tmp_path, text)).sources[0].is_bound

    assert is_bound('auth = { bearer = "x" }')
    assert is_bound('headers = { X = "x" }')
    assert is_bound('cookie = "x"')
    assert is_bound('tls_ca = "ca.pem"')
    assert is_bound("tls_verify = false")
    assert is_bound("", "https://me:x@example.org/")
    assert not is_bound('user_agent = "x"', "https://example.org/@me/feed")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../{slug}.md", "write a path inside the folder"),
        ("/{slug}.md", "write a path inside the folder"),
        ("a//{slug}.md", "write a path inside the folder"),
        (".hidden/{slug}.md", "write a path inside the folder"),
        ("a\\\\{slug}.md", "write a path inside the folder"),
        ("{slug}", "ends in .html or .md"),
        ("{slug}.exe", "ends in .html or .md"),
        ("{date}.md", "with {slug} or {hash}"),
        ("x{categories}/{slug}.md", "write a path inside the folder"),
        ("{categories}.md", "with {slug} or {hash}"),
        ("{titel}/{slug}.md", "{titel} is not a placeholder; there are {categories}, {category}"),
    ],
)
def test_a_path_of_posts_must_stay_inside_its_folder(tmp_path: Path, path: str, message: str) -> None:
    """What would be right is said."""
    said = mistakes(tmp_path, f'[publish.posts]\nfolder = "posts"\npath = "{path}"')
    assert "publish.posts.path: " in said
    assert message in said


def test_a_folder_of_posts_counts_from_home_and_jekyll_wants_dates(tmp_path: Path) -> None:
    """Its own mistakes are reported at their own keys."""
    loaded = config.load(write(tmp_path, '[publish.posts]\nfolder = "site/source/_posts"'))
    assert loaded.publish.posts is not None
    assert loaded.publish.posts.folder == tmp_path / "site/source/_posts"
    wrong = '[publish.posts]\nfolder = "x"\ngenerator = "jekyll"\npath = "{slug}.md"'
    assert "publish.posts: Jekyll recognises a file as a post only when" in mistakes(tmp_path, wrong)
    assert "did you mean 'folder'" in mistakes(tmp_path, '[publish.posts]\nfolde = "x"')


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        (
            '[fetch.hosts."wordpress.com"]\ngapp = "1s"',
            "fetch.hosts.\"wordpress.com\".gapp: is not a known key; did you mean 'gap'?",
        ),
        (
            "[fetch.hosts.wordpress.com]\ngap = '1s'",
            'fetch.hosts: put a host\'s name into quotes, such as [fetch.hosts."wordpress.com"]',
        ),
        ('[fetch.hosts."https://a.example/"]', "fetch.hosts"),
        ('[fetch.hosts."*.a.example"]', 'as a name, write a host, such as "example.com"'),
        ('[fetch.hosts."a.example"]\nat_once = 0', 'fetch.hosts."a.example".at_once: '),
        ('[fetch.hosts."a.example"]\ngap = 1', 'fetch.hosts."a.example".gap: write a number and a unit'),
    ],
)
def test_a_mistake_in_the_pace_of_a_host_is_reported_with_what_to_write(
    tmp_path: Path, written: str, mistake: str
) -> None:
    """The host with the quotes that it needs."""
    with pytest.raises(ConfigError) as message:
        config.load(write(tmp_path, written))
    assert mistake in str(message.value)


def test_a_duration_may_be_in_milliseconds(tmp_path: Path) -> None:
    """As the gap of a platform that allows many requests a second."""
    loaded = config.load(write(tmp_path, '[fetch.hosts."A.Example."]\ngap = "250ms"'))
    assert loaded.fetch.hosts["a.example"].gap == timedelta(milliseconds=250)


def test_copies_of_pictures_are_off_and_need_a_public_address(tmp_path: Path) -> None:
    """`true` is a table of defaults; what is wrong in one is named."""
    at = '[site]\nurl = "https://planet.example"\n'
    assert config.load(write(tmp_path, at)).publish.media is None
    assert config.load(write(tmp_path, f"publish.media = false\n{at}")).publish.media is None
    for on in ("publish.media = true\n", "publish.media = {}\n"):
        assert config.load(write(tmp_path, f"{on}{at}")).publish.media == config.MediaSettings()
    table = '[publish.media]\nmax_width = 800\nkeep = "1d"\n'
    found = config.load(write(tmp_path, f"{table}{at}")).publish.media
    assert found is not None
    assert (found.max_width, found.keep) == (800, timedelta(days=1))
    assert "publish.media: feeds need absolute addresses for copies; set site.url" in mistakes(
        tmp_path, "publish.media = true"
    )
    assert "publish.media.max_with: is not a known key; did you mean 'max_width'" in mistakes(
        tmp_path, f"[publish.media]\nmax_with = 5\n{at}"
    )
    assert "publish.media.max_pixels: " in mistakes(tmp_path, f"publish.media.max_pixels = 90000000\n{at}")


def test_copies_of_pictures_need_what_encodes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the check of the config, not in the middle of a run."""
    monkeypatch.setattr("aggregator.config.publishing.find_spec", lambda _: None)
    said = mistakes(tmp_path, 'publish.media = true\n[site]\nurl = "https://planet.example"')
    assert "publish.media: pictures are encoded by Pillow: pip install" in said
