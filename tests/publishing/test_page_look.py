"""Own templates as they are published: read from a folder, followed when they change, reported when wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.config.load import PageSettings
from aggregator.config.pages import Colours, DarkColours
from aggregator.errors import TemplateMistake
from aggregator.publishing.page_look import MAX_FILES, look_mistakes, look_of
from aggregator.publishing.publication_result import Published
from aggregator.publishing.publish import publish
from aggregator.writers import SITE_WRITERS, WRITERS
from tests.support.planet import Planet, article

OWN = "{% extends 'built-in/page.html' %}{% block footer %}<p>Tea</p>{% endblock %}"


@pytest.fixture
def planet(tmp_path: Path) -> Iterator[Planet]:
    """Twelve articles in feeds of five, one of them without a link, and a folder for templates."""
    made = Planet(tmp_path)
    made.writers, made.site_writers = WRITERS, SITE_WRITERS
    (tmp_path / "templates").mkdir()
    pages = PageSettings(templates=tmp_path / "templates")
    made.configure(formats=("rss", "atom", "html"), pages=pages)
    made.add(*(article(n) for n in range(12)), article(20, link=None))
    yield made
    made.store.close()


def put(planet: Planet, name: str, text: str) -> Path:
    place = planet.home / "templates" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return place


def tried(planet: Planet, processes: int | None = None) -> Published:
    """A publication that may have errors."""
    return publish(
        store=planet.store,
        config=planet.config,
        writers=planet.writers,
        site_writers=planet.site_writers,
        version="1",
        processes=processes,
    )


def pages(planet: Planet) -> dict[str, bytes]:
    return {name: body for name, body in planet.files().items() if name.endswith(".html")}


def feeds(planet: Planet) -> dict[str, bytes]:
    return {name: body for name, body in planet.files().items() if name.endswith(".xml")}


def test_pages_follow_the_templates_and_feeds_do_not_change(planet: Planet) -> None:
    """Every page, full archives and articles' own pages too, and back to the byte when they are gone."""
    planet.publish()
    before = planet.files()
    put(planet, "page.html", OWN)
    planet.publish()
    assert len(pages(planet)) > 7
    assert all(b"<p>Tea</p>" in body for body in pages(planet).values())
    assert {name: planet.files()[name] for name in feeds(planet)} == {n: before[n] for n in feeds(planet)}
    assert planet.publish().written == ()
    put(planet, "page.html", OWN.replace("Tea", "Milk"))
    planet.publish()
    assert all(b"<p>Milk</p>" in body for body in pages(planet).values())
    (planet.home / "templates" / "page.html").unlink()
    planet.publish()
    assert planet.files() == before


@pytest.mark.parametrize("text", ["{% if %}", "{{ entries.nothing }}", "{{ nothing }}", "{{ name|safe }}"])
def test_a_mistake_keeps_the_page_and_stops_no_feed(planet: Planet, text: str) -> None:
    """It is reported once for all pages, by each publication, until it is mended."""
    planet.publish()
    before = pages(planet)
    put(planet, "category.html", f"\n{text}")
    planet.add(article(30))
    published = tried(planet)
    assert len(published.errors) == 1
    assert isinstance(published.errors[0], TemplateMistake)
    assert str(published.errors[0]).startswith("templates/category.html:2: ")
    assert all(b"Number 30" in feeds(planet)[name] for name in ("all/rss.xml", "World/atom.xml"))
    assert {name for name, body in pages(planet).items() if body != before[name]} == {
        *("index.html", "status.html"),
    }
    assert tried(planet).errors
    put(planet, "category.html", "{% extends 'built-in/category.html' %}")
    planet.publish()
    assert b"Number 30" in pages(planet)["World/index.html"]
    assert planet.publish().written == ()


def test_a_template_mistake_does_not_prevent_feeds(planet: Planet) -> None:
    """Archives among them, also where other processes write."""
    put(planet, "page.html", "{{ nothing }}")
    assert len(tried(planet, processes=2).errors) == 1
    assert pages(planet) == {}
    assert {"World/rss.xml", "World/archive/1/atom.xml", "all/atom.xml"} <= set(feeds(planet))
    put(planet, "page.html", "{% extends 'built-in/page.html' %}")
    planet.publish()
    assert {"World/index.html", "World/archive/1/index.html", "status.html"} <= set(pages(planet))


def test_templates_are_read_only_from_their_folder(planet: Planet) -> None:
    """A link that leads out is refused; one inside is followed; hidden and other files are none."""
    put(planet, "parts/footer.html", "<p>Tea</p>")
    (planet.home / "templates" / "linked.html").symlink_to("parts/footer.html")
    put(planet, ".hidden.html", "{% if %}")
    put(planet, "README.md", "{% if %}")
    put(planet, "page.html", OWN.replace("<p>Tea</p>", "{% include 'linked.html' %}"))
    assert sorted(look_of(planet.config).own) == ["linked.html", "page.html", "parts/footer.html"]
    planet.publish()
    assert b"<p>Tea</p>" in pages(planet)["index.html"]
    secret = planet.home / "secret.html"
    secret.write_text("secret")
    (planet.home / "templates" / "out.html").symlink_to(secret)
    (error,) = tried(planet).errors
    assert "out.html is a link that leads out of the folder" in str(error)
    assert not any(b"secret" in body for body in planet.files().values())


def test_a_folder_that_cannot_be_used_is_reported(planet: Planet, tmp_path: Path) -> None:
    """Each with what to change; `check` says the same."""

    def found() -> str:
        (mistake,) = look_mistakes(planet.config)
        return mistake

    put(planet, "page.html", "x").write_bytes(b"\xff")
    assert found() == "publish.pages.templates: page.html is not UTF-8 (byte 0); save it as UTF-8"
    put(planet, "page.html", "a" * 1_000_001)
    assert re.search("page.html has more than 1,000,000 bytes", found())
    (planet.home / "templates" / "page.html").unlink()
    os.mkfifo(planet.home / "templates" / "pipe.html")
    assert re.search("pipe.html is a device, pipe or socket", found())
    (planet.home / "templates" / "pipe.html").unlink()
    for number in range(MAX_FILES + 1):
        put(planet, f"{number}.html", "")
    assert re.search("too many files", found())
    planet.configure(pages=PageSettings(templates=tmp_path / "nowhere"))
    assert re.search("nowhere cannot be read", found())
    assert [str(error) for error in tried(planet).errors] == [found()]
    assert "World/rss.xml" in planet.files()


def test_check_finds_what_a_publication_would(planet: Planet) -> None:
    """A template that is sound to read and fails for some articles; one that is not is reported once."""
    put(planet, "entry.html", "{{ entry.title }}\n{{ entry.authors[0] }}")
    (mistake,) = look_mistakes(planet.config)
    assert mistake == "templates/entry.html:2: list object has no element 0"
    put(planet, "entry.html", "{{ nowhere }}")
    (mistake,) = look_mistakes(planet.config)
    assert mistake.startswith("templates/entry.html:1: there is no variable 'nowhere'")


# --- Logo, colours, time zone


def test_a_logo_is_published_and_followed(planet: Planet) -> None:
    """Under a name of its content; on every page and as its icon; the earlier one goes."""
    logo = planet.home / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    planet.publish()
    before = planet.files()
    planet.configure(pages=PageSettings(logo=logo))
    planet.publish()
    (name,) = (name for name in planet.files() if name.startswith("assets/"))
    assert re.fullmatch(r"assets/logo-[0-9a-f]{8}\.svg", name)
    for path, body in pages(planet).items():
        root = "../" * path.count("/")
        assert f'<link rel="icon" href="{root}{name}">'.encode() in body, path
    assert f'src="{name}"'.encode() in pages(planet)["index.html"]
    assert planet.publish().written == ()
    (planet.config.output / name).write_text("damaged")
    planet.publish()
    assert planet.files()[name] == logo.read_bytes()
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'><g/></svg>")
    planet.publish()
    assert [n for n in planet.files() if n.startswith("assets/")] != [name]
    planet.configure(pages=PageSettings())
    planet.publish()
    assert planet.files() == before


def test_a_logo_that_is_not_a_picture_is_reported(planet: Planet) -> None:
    """Pages go on without one."""
    for name, body, why in (
        ("logo.png", b"<html>", "is not a picture of the type that its name says"),
        ("logo.jpg", b"\xff\xd8\xff" + b"0" * 300_000, "more than 262,144 bytes"),
        ("gone.png", None, "cannot be read"),
    ):
        place = planet.home / name
        if body is not None:
            place.write_bytes(body)
        planet.configure(pages=PageSettings(logo=place))
        (error,) = tried(planet).errors
        assert why in str(error)
        assert list(look_mistakes(planet.config)) == [str(error)]
    assert "index.html" in planet.files()


def test_colours_are_only_in_the_stylesheet(planet: Planet) -> None:
    """For a screen; paper stays black on white."""
    planet.publish()
    before = planet.files()
    planet.configure(pages=PageSettings(colours=Colours(link="#00507A", dark=DarkColours(link="#7fc4ee"))))
    planet.publish()
    sheet = planet.files()["style.css"].decode()
    assert sheet.startswith(before["style.css"].decode())
    added = sheet.removeprefix(before["style.css"].decode())
    assert added == (
        "@media screen { :root { --link: #00507a; } }\n"
        "@media screen and (prefers-color-scheme: dark) { :root { --link: #7fc4ee; } }\n"
    )
    assert {n for n, b in planet.files().items() if b != before[n]} == {"style.css", *pages(planet)}
    assert b"%2300507a" in pages(planet)["index.html"]


def test_days_and_times_are_those_of_the_time_zone(planet: Planet) -> None:
    """An article of late evening is one of the next day further east."""
    site = planet.config.site.model_copy(update={"timezone": "Pacific/Auckland", "language": "de"})
    planet.configure(site=site)
    planet.publish()
    page = pages(planet)["all/index.html"].decode()
    assert "UTC+1" in page
    assert '<html lang="de">' in page
    feed = feeds(planet)["all/rss.xml"].decode()
    assert "+1200" not in feed
