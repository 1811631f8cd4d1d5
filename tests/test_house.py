"""The house: which room may know which, and what is public."""

from __future__ import annotations

import ast
from pathlib import Path

import aggregator

PACKAGE = Path(aggregator.__file__).parent
CONFIG = ("config", "config_output", "config_serve", "config_sources", "config_values")
FLOORS = (
    ("sendable",),
    ("article", "errors"),
    ("resource",),
    ("entry", "kinds", *CONFIG),
    ("config_edit",),
    (
        "front_matter",
        "front_matter_flavours",
        "front_matter_generators",
        "front_matter_keys",
        "front_matter_yaml",
    ),
    ("normalise",),
    ("fetch",),
    ("adapters", "opml"),
    ("discovery", "subscriptions"),
    ("hints",),
    ("schedule", "schedule_state"),
    ("reading", "contract", "processes"),
    ("workers",),
    ("store",),
    ("health",),
    ("writers",),
    ("gathering",),
    ("network", "turns"),
    ("completing", "polling", "publishing"),
    ("announcing",),
    ("app",),
    ("adding", "new_site", "preview"),
    ("server",),
    ("daemon",),
    ("terminal",),
    ("cli_options",),
    ("cli_add", "cli_lists", "cli_versions"),
    ("cli",),
    ("__main__",),
)
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
    "re2": {"adapters"},
    "mf2py": {"adapters"},
    "sqlalchemy": {"store"},
    "nh3": {"normalise"},
    "apscheduler": {"daemon"},
    "click": {"cli", "cli_add", "cli_lists", "cli_options", "cli_versions", "terminal"},
    "rich": {"terminal"},
    "tomlkit": {"config_edit"},
    "uvicorn": {"server"},
    "pydantic": {*CONFIG, "kinds", "contract", "reading", "adapters"},
}


def imports(file: Path) -> set[str]:
    """Every module that a file imports, with the names taken from it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
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


def test_data_flows_one_way() -> None:
    """A module imports only what stands on its own floor or above it."""
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    upwards = []
    for file in files():
        for name in imports(file):
            if name.startswith("aggregator."):
                other = name.split(".")[1]
                if other in floor and floor[other] > floor[room(file)]:
                    upwards.append(f"{file.name} imports {other}")
    assert upwards == []


def test_every_room_has_its_floor() -> None:
    """A new module must be given its place here."""
    assert {room(file) for file in files()} == {name for names in FLOORS for name in names}


def test_each_vendor_stays_in_its_room() -> None:
    """A library can be replaced by changing one room."""
    strays = [
        f"{file.name} imports {vendor}"
        for file in files()
        for vendor in {name.split(".")[0] for name in imports(file)} & VENDORS.keys()
        if room(file) not in VENDORS[vendor]
    ]
    assert strays == []


def test_the_clock_is_read_by_the_outermost_layer_alone() -> None:
    """Everything else is told the time, so that it can be tested at any."""
    readers = [
        file.name
        for file in files()
        if any(word in file.read_text() for word in (".now(", ".utcnow(", ".today(", "time.time("))
    ]
    assert set(readers) <= {"cli.py", "cli_add.py", "cli_lists.py", "daemon.py", "terminal.py"}


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


def test_modules_stay_small() -> None:
    """Past 400 lines a module has more than one job."""
    long = {f.name: n for f in files() if (n := len(f.read_text(encoding="utf-8").splitlines())) > 400}
    assert long == {}
