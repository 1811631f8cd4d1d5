"""The house: which room may import which, and what is public."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import aggregator
from docs.building.rooms import DRAWING, drawing

PACKAGE = Path(aggregator.__file__).parent
ROOT = "__init__"

# Which rooms a room may import, and why. An edge that is not here is refused, so is one that nothing uses.
ALLOWED: Mapping[str, Mapping[str, str]] = {
    "errors": {},
    "processes": {},
    "confinement": {},
    "model": {},
    "normalise": {"model": "entries become articles"},
    "front_matter": {
        "errors": "a file that cannot be read",
        "model": "articles become files",
        "normalise": "dates are read as those of feeds are; characters that XML forbids",
    },
    "adapters": {
        ROOT: "the distribution's name stands in what to install",
        "errors": "a document that cannot be read",
        "front_matter": "the kind `articles` reads files of it",
        "model": "documents become entries",
        "normalise": "a page's addresses, dates and text are looked at to find its entries",
    },
    "rules": {
        "errors": "a query that cannot be read",
        "model": "articles are what is chosen",
        "normalise": "regexes; bodies as plain text; hosts are compared",
    },
    "config": {
        "adapters": "a source's kind and its options; OPML subscriptions become sources",
        "errors": "every mistake of a config",
        "model": "tables of settings, problems of a list",
        "normalise": "addresses of sources and folders of feeds are compared",
        "rules": "mistakes in rules and queries are reported with file and key, like all others",
    },
    "schedule": {"model": "the form of plain data"},
    "fetch": {
        "adapters": "what a kind is found by",
        "config": "how a source is fetched",
        ROOT: "the version stands in the User-Agent",
        "errors": "every failure of a fetch",
        "model": "resources are what a fetch gives",
        "normalise": "links of known forms",
    },
    "reading": {
        "adapters": "each kind reads its documents",
        "confinement": "workers need no network, no programs and no files",
        "errors": "a document that cannot be read",
        "model": "resources become documents",
        "normalise": "entries become articles",
        "processes": "documents are read in processes of their own",
        "rules": "new articles are judged where they are read",
    },
    "store": {
        "config": "sources and their retention",
        "errors": "a store that cannot be opened",
        "model": "articles are kept",
        "normalise": "addresses are kept without logins",
        "rules": "searches are narrowed by an index",
        "schedule": "the record of a source's polls",
    },
    "polling": {
        "adapters": "what a kind is",
        "config": "the sources",
        "errors": "what goes wrong with one source stays with it",
        "fetch": "the bytes",
        "model": "resources, documents, problems",
        "normalise": "a login is no part of an address",
        "reading": "the documents",
        "schedule": "the next poll",
        "store": "what is kept",
    },
    "writers": {
        "adapters": "subscription lists are read and written in one form",
        "config": "which formats there are, where posts go",
        "errors": "a file that cannot be written",
        "front_matter": "posts are files of it",
        "model": "articles are rendered",
        "normalise": "text is shortened, addresses are cleaned",
        "schedule": "the health of sources is shown",
    },
    "media": {
        "config": "which copies are wanted",
        "confinement": "pictures are decoded without network, programs and files",
        "errors": "what cannot be fetched or written",
        "fetch": "the bytes",
        "model": "articles, and copies of what they show",
        "normalise": "declared tracking pixels",
        "polling": "turns at publishers",
        "processes": "pictures are decoded in processes of their own",
        "store": "what is wanted, and what there is",
        "writers": "files appear whole",
    },
    "publishing": {
        "config": "what is published, and where",
        "errors": "a feed that cannot be written",
        "fetch": "templates are read from a folder that no link leads out of",
        "front_matter": "posts of ours are recognised",
        "media": "copies stand where pictures did",
        "model": "where an article came from; results of other processes, in the plain format",
        "normalise": "which addresses may be published",
        "processes": "many feeds are written by several processes",
        "rules": "articles are rewritten where they are rendered",
        "schedule": "the health of sources is shown",
        "store": "what is published comes from there",
        "writers": "the formats",
    },
    "notify": {
        "config": "who is notified of what",
        "errors": "what was not taken",
        "fetch": "requests go through its guard",
        "model": "a digest is an article",
        "normalise": "texts of strangers become lines; time zones",
        "publishing": "an article is reported as it is published",
        "rules": "articles are chosen by queries",
        "schedule": "the health of sources is reported",
        "store": "what waits is kept there",
    },
    "backup": {
        "adapters": "kinds that run programs are off in a stranger's backup",
        "config": "it is saved, and kept in its folder",
        "errors": "a backup that cannot be made or read",
        "store": "its rows are copied",
    },
    "discovery": {
        "adapters": "documents of every kind are tried",
        "config": "candidates become sources",
        "errors": "what an address does not offer",
        "fetch": "addresses are asked",
        "model": "what was read",
        "normalise": "addresses are compared",
        "polling": "all documents of a source are gathered",
        "reading": "candidates are read",
    },
    "server": {
        ROOT: "the version is a metric",
        "config": "what is served, and how",
        "errors": "an address that cannot be listened at",
        "model": "copies of pictures and their types",
        "publishing": "the public addresses of files; searches in what is published",
        "rules": "a search is read before a thread is given to it",
        "schedule": "the health of sources is a metric",
        "store": "the numbers of the metrics",
        "writers": "compressed files are compared with what they are made of",
    },
    "object_store": {
        ROOT: "the version stands in the User-Agent",
        "config": "where the bucket is",
        "errors": "a store that cannot be asked",
        "fetch": "which addresses may be asked",
        "model": "which files are copies of pictures",
        "publishing": "archives and pages of articles are known by their folders",
        "server": "media types, as our own server has them",
        "writers": "the formats; files are replaced as a whole",
    },
    "app": {
        ROOT: "the version stands in what is published",
        "backup": "a store is made aside",
        "config": "everything is set there",
        "errors": "what ends a run",
        "fetch": "one fetcher for all",
        "front_matter": "posts are read back",
        "media": "copies of pictures",
        "model": "problems of lists",
        "normalise": "no login of an address is shown",
        "notify": "hubs and others are notified",
        "object_store": "the output in a bucket",
        "polling": "the first half of the main job",
        "publishing": "the second half",
        "reading": "one set of workers for all",
        "rules": "dry runs",
        "schedule": "the health of sources",
        "server": "the daemon may serve",
        "store": "one store for all",
        "writers": "the formats that are installed",
    },
    "machines": {
        "app": "the main job, divided into jobs",
        "config": "the address of the store; who polls what",
        "errors": "what ends a job, and what ends a worker",
        "polling": "polls of one shard",
        "store": "who has claimed which shard",
    },
    "cli": {
        ROOT: "--version",
        "app": "the main job and the daemon",
        "backup": "made and restored",
        "config": "loaded, checked and edited",
        "discovery": "preview and add",
        "errors": "each has its exit code",
        "front_matter": "an article is printed as it is kept",
        "media": "results are printed",
        "model": "results are printed",
        "notify": "results are printed",
        "polling": "results are printed",
        "machines": "workers",
        "publishing": "results are printed",
        "rules": "dry runs are printed",
        "schedule": "the health of sources is printed",
        "server": "serve",
        "store": "versions of an article",
        "writers": "export writes OPML",
    },
    "__main__": {"cli": "is the command"},
}
VENDORS = {
    "requests": {"fetch"},
    "urllib3": {"fetch"},
    "publicsuffixlist": {"fetch"},
    "feedparser": {"adapters"},
    "brotli": {"server", "writers"},
    "feedgen": {"writers"},
    "jinja2": {"writers"},
    "trafilatura": {"adapters"},
    "frontmatter": {"front_matter"},
    "re2": {"normalise"},
    "mf2py": {"adapters"},
    "alembic": {"store"},
    "procrastinate": {"machines"},
    "psycopg": {"store", "machines"},
    "sqlalchemy": {"store"},
    "nh3": {"normalise"},
    "apscheduler": {"app"},
    "click": {"cli"},
    "rich": {"cli"},
    "tomlkit": {"config"},
    "smtplib": {"notify"},
    "apprise": {"notify"},
    "css_inline": {"notify"},
    "uvicorn": {"server"},
    "obstore": {"object_store"},
    "prometheus_client": {"server"},
    "msgspec": {"model"},
    "PIL": {"media"},
    "pydantic": {"adapters", "config", "model", "reading"},
}


@cache
def parsed(file: Path) -> ast.Module:
    """A file's code, read once for all tests."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imports(file: Path) -> set[str]:
    """Every module that a file imports, with the names taken from it."""
    found = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(file: Path) -> str:
    """The room that a file stands in: a module of the package, or a folder of it."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def files() -> list[Path]:
    """Every module but the package's own front door."""
    return [f for f in sorted(PACKAGE.rglob("*.py")) if f != PACKAGE / "__init__.py"]


def edges() -> dict[str, set[str]]:
    """Room -> the other rooms that its modules import."""
    found: dict[str, set[str]] = {name: set() for name in ALLOWED}
    for file in files():
        for name in imports(file):
            if name.startswith("aggregator."):
                other = name.split(".")[1]
                is_room = (PACKAGE / other).is_dir() or (PACKAGE / f"{other}.py").is_file()
                found.setdefault(room(file), set()).add(other if is_room else ROOT)
    return {name: others - {name} for name, others in found.items()}


def test_rooms_import_what_the_table_allows() -> None:
    """Data flows one way: an edge has a reason in the table, or it is not there."""
    assert edges() == {name: set(others) for name, others in ALLOWED.items()}


def test_no_two_rooms_import_each_other() -> None:
    """Each room imports only rooms that stand before it in the table."""
    order = [ROOT, *ALLOWED]
    assert [
        f"{name} imports {other}"
        for name, others in ALLOWED.items()
        for other in others
        if order.index(other) >= order.index(name)
    ] == []


def test_each_vendor_stays_in_its_room() -> None:
    """A library can be replaced by changing one room."""
    strays = [
        f"{file.name} imports {vendor}"
        for file in files()
        for vendor in {name.split(".")[0] for name in imports(file)} & VENDORS.keys()
        if room(file) not in VENDORS[vendor]
    ]
    assert strays == []


def test_only_the_outermost_layer_reads_the_clock() -> None:
    """Everything else is reported the time, so that it can be tested at any."""
    readers = [
        str(file.relative_to(PACKAGE))
        for file in files()
        if any(word in file.read_text() for word in (".now(", ".utcnow(", ".today(", "time.time("))
    ]
    assert [name for name in readers if not name.startswith("cli/")] == ["app/daemon.py"]


def test_the_public_names_are_these() -> None:
    """What others may rely on."""
    assert aggregator.__all__ == [
        "Article",
        "Document",
        "Enclosure",
        "Origin",
        "Problem",
        "__version__",
        "errors",
        "read",
    ]
    assert all(getattr(aggregator, name) is not None for name in aggregator.__all__)


def test_the_architecture_page_has_the_rooms_in_their_order() -> None:
    """So that a newcomer can trust it."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [
        line.split("`")[1] for line in page.partition("## Where")[0].splitlines() if line.startswith("| `")
    ]
    assert rows == [name for name in ALLOWED if name != "__main__"]
    places = re.findall(r"`([a-z_]+/[a-z_/.]*)`", page.partition("## Where")[2])
    assert places
    assert [place for place in places if not (PACKAGE / place).exists()] == []


def test_the_drawing_of_the_rooms_is_that_of_the_table() -> None:
    """`python -m docs.building.rooms` draws it anew."""
    assert DRAWING.read_text(encoding="utf-8") == drawing(ALLOWED)


def test_no_two_public_classes_have_the_same_name() -> None:
    """A name that is read in one room must not mean something else in the next."""
    places: dict[str, list[str]] = {}
    for file in files():
        for node in parsed(file).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(file.relative_to(PACKAGE)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_modules_stay_small() -> None:
    """Past 400 lines a module has more than one job."""
    long = {f.name: n for f in files() if (n := len(f.read_text(encoding="utf-8").splitlines())) > 400}
    assert long == {}


def test_plain_data_is_copied_by_one_function() -> None:
    """That of dataclasses refuses a struct, which mypy does not see."""
    home = PACKAGE.parent
    folders = (PACKAGE, home / "tests", home / "benchmarks")
    found = [
        str(path.relative_to(home))
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and node.module == "dataclasses" and _names(node, "replace"))
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "dataclasses.replace")
    ]
    assert {*found} == {"aggregator/model/struct.py"}


def _names(node: ast.ImportFrom, name: str) -> bool:
    return any(alias.name == name for alias in node.names)


_POSSESSIVE_GROUP = re.compile(r"(?<![\\(])\)(?:[*+?]|\{+[0-9,]*\}+)\+")


def test_no_group_in_a_regex_is_repeated_possessively() -> None:
    """Python 3.11.2 keeps what a failed repetition consumed; `(?>(?:ab)*)` is right everywhere."""
    found = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _POSSESSIVE_GROUP.search(line)
    ]
    assert found == []
    assert _POSSESSIVE_GROUP.search(r"(?:a|b)*+")
