"""Rules and saved feeds in the config: what is taken, and how mistakes are reported."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from aggregator.config import load as config
from aggregator.config import rules as config_rules
from aggregator.errors import ConfigError
from aggregator.model.article import Article
from aggregator.rules.actions import ACTIONS
from aggregator.rules.query import ArticleFacts
from aggregator.rules.query.terms import FIELDS
from aggregator.rules.rewrites import KEYS
from aggregator.rules.rule import judge
from tests.rules.test_rule import NOW
from tests.support.site import Site

SOURCES = """
[[sources]]
name = "Example news"
url = "https://news.example/feed"
categories = ["Sport", "Front page"]
priority = 5

[[sources]]
name = "Tea weekly"
url = "https://tea.example/feed"
categories = ["Tea"]
"""
CHOICE = r"""
[publish.all]
limit_per_source = 3
priority = ["Tea weekly", "Example news"]

[publish.categories.Tea]
limit_per_source = 2

[[rules]]
name = "No adverts"
when = 'title:/\bsponsored\b/ OR tag:advertisement'
then = "drop"

[[rules]]
name = "Chess alone"
sources = ["Example news"]
categories = ["Front page", "all", "AI this week"]
when = 'text:chess'
then = "keep-only"

[[rules]]
name = "Signed"
when = '*'
then = [{ tag = ["x"], file-under = ["New"] }, { rewrite = { remove = "aside" } }, "stop"]

[[rules]]
name = "Out"
categories = ["New"]
when = 'age:<7d'
then = { remove-from = ["New", "AI this week"] }

[[feeds]]
name = "AI this week"
query = '(title:AI OR text:"machine learning") AND language:en'
sort = "coverage"
limit_per_source = 3
title = "AI"
language = "en"
"""


def write(folder: Path, text: str) -> Path:
    """A config file."""
    file = folder / "aggregator.toml"
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(folder: Path, text: str) -> list[str]:
    """Returns what is wrong with a config, without its file's name."""
    file = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        config.load(file)
    return [each.removeprefix(f"{file}: ") for each in caught.value.mistakes]


def test_rules_and_feeds_are_loaded(tmp_path: Path) -> None:
    """Ready to judge and to ask."""
    loaded = config.load(write(tmp_path, SOURCES + CHOICE))
    assert [rule.name for rule in loaded.rules] == ["No adverts", "Chess alone", "Signed", "Out"]
    (feed,) = loaded.feeds
    assert (feed.sort, feed.limit_per_source, feed.title, feed.entries) == ("coverage", 3, "AI", None)
    assert loaded.sources[0].priority == 5
    assert loaded.publish.all.priority == ("Tea weekly", "Example news")
    assert loaded.publish.categories["Tea"].limit_per_source == 2
    rules = config_rules.rule_set(loaded.rules, loaded.feeds)
    article = Article(id="1", source="Example news", title="AI", categories=("Sport", "Front page"))
    verdict = judge(rules, ArticleFacts(article), NOW)
    assert verdict.removed == dict.fromkeys(["Front page", "all", "AI this week"], "Chess alone")
    assert verdict.categories(article.categories) == ("Sport", "New")
    assert judge(rules, ArticleFacts(Article(id="1", title="Sponsored!")), NOW).dropped_by == "No adverts"
    assert not feed.parsed.matches(ArticleFacts(article), NOW)


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        (
            "[[rules]]\nname = 'a'\nwhen = 'tilte:x'\nthen = 'drop'",
            "rules[1].when (rule 'a'): at character 1 ('tilte:x'): no field is named 'tilte'; did you m",
        ),
        (
            r"""[[rules]]
name = 'a'
when = 'title:/\bx(/'
then = 'drop'""",
            r"rules[1].when (rule 'a'): at character 7 ('/\bx(/'): regex '\\bx(' is not valid for RE2:",
        ),
        (
            "[[rules]]\nname = 'a'\nwhen = 5\nthen = 'drop'",
            "rules[1].when (rule 'a'): write a query in quotes, such as 'title:tea'",
        ),
        ("[[rules]]\nname = 'a'\nthen = 'drop'", "rules[1].when (rule 'a'): is missing"),
        ("[[rules]]\nname = 'a'\nwhen = 'x'", "rules[1].then (rule 'a'): is missing"),
        ("[[rules]]\nwhen = 'x'\nthen = 'drop'", "rules[1].name: is missing"),
        (
            "[[rules]]\nname = ' '\nwhen = 'x'\nthen = 'drop'",
            "rules[1].name (rule ' '): write a name in quotes",
        ),
        (
            "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = 'dorp'",
            "rules[1].then (rule 'a'): no action is named 'dorp'; did you mean 'drop'?",
        ),
        (
            "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = { tag = 5 }",
            "rules[1].then (rule 'a'): tag: write a list of names",
        ),
        (
            "[[rules]]\nname = 'a'\nwen = 'x'\nwhen = 'x'\nthen = 'drop'",
            "rules[1].wen (rule 'a'): is not a known key; did you mean 'when'?",
        ),
        (
            "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = 'drop'\nsources = ['Exmple news']",
            "rules[1].sources (rule 'a'): no source is named 'Exmple news'; did you mean 'Example news'?",
        ),
        (
            "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = 'drop'\ncategories = ['Sprot']",
            "rules[1].categories (rule 'a'): no category or saved feed is named 'Sprot'; did you mean '",
        ),
        (
            "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = { remove-from = ['Sprot'] }",
            "rules[1].then (rule 'a'): no category or saved feed is named 'Sprot'",
        ),
        (
            "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = { file-under = ['all'] }",
            "rules[1].then (rule 'a'): nothing can be filed under 'all'",
        ),
        (
            (
                "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = { file-under = ['F'] }\n"
                "[[feeds]]\nname = 'F'\nquery = 'x'"
            ),
            "rules[1].then (rule 'a'): nothing can be filed under 'F': only its query decides what is in it",
        ),
        (
            "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = { tag = ['x'] }\ncategories = ['all']",
            "rules[1].categories (rule 'a'): 'all' is not a category; only drop",
        ),
        (
            (
                "[[rules]]\nname = 'a'\nwhen = 'x'\nthen = 'drop'\n"
                "[[rules]]\nname = 'a'\nwhen = 'y'\nthen = 'drop'"
            ),
            "rules[2].name: 'a' is the name of rules[1] too; give each rule a different name",
        ),
        (
            "[[feeds]]\nname = 'F'\nquery = '(x'",
            "feeds[1].query (feed 'F'): at character 1 ('(x'): this is never",
        ),
        (
            "[[feeds]]\nname = 'F'\nquery = ''",
            "feeds[1].query (feed 'F'): at character 1 (''): the query is empty",
        ),
        (
            "[[feeds]]\nname = 'F'\nquery = 'x'\nsort = 'best'",
            'feeds[1].sort (feed \'F\'): write one of "published", "relevance" or "coverage", not \'best\'',
        ),
        (
            "[[feeds]]\nname = 'F'\nquery = 'x'\nlimit_per_source = 0",
            "feeds[1].limit_per_source (feed 'F'): write a number above 0, not 0",
        ),
        (
            "[[feeds]]\nname = 'F'\nquery = 'x'\nentrys = 5",
            "feeds[1].entrys (feed 'F'): is not a known key; did you mean 'entries'?",
        ),
        (
            "[[feeds]]\nname = 'F'\nquery = 'x'\npriority = ['Tea weakly']",
            "feeds[1].priority (feed 'F'): no source is named 'Tea weakly'; did you mean 'Tea weekly'?",
        ),
        (
            "[[feeds]]\nname = 'F'\nquery = 'x'\n[[feeds]]\nname = 'F'\nquery = 'y'",
            "feeds[2].name: 'F' is the name of feeds[1] too; give each feed a different name",
        ),
        (
            "[[feeds]]\nname = 'sport'\nquery = 'x'",
            "feeds[1].name: 'sport' would have the folder of the category 'Sport' (sport/)",
        ),
        (
            "[[feeds]]\nname = 'front  PAGE'\nquery = 'x'",
            "feeds[1].name: 'front  PAGE' would have the folder of the category 'Front page'",
        ),
        (
            "[[feeds]]\nname = 'A b'\nquery = 'x'\n[[feeds]]\nname = 'a-B'\nquery = 'x'",
            "feeds[2].name: 'a-B' would have the folder of the saved feed 'A b'",
        ),
        ("[[feeds]]\nname = 'All'\nquery = 'x'", "feeds[1].name: 'All' is the feed of everything"),
        ("[publish.all]\npriority = ['Nobody']", "publish.all.priority: no source is named 'Nobody'"),
        ("[publish.all]\nlimit = 5", "publish.all.limit: is not a known key"),
        (
            "[publish.categories.Tea]\npriority = ['Nobody']",
            "publish.categories.Tea.priority: no source is named 'Nobody'",
        ),
        ("rules = 5", "rules: write a list"),
        ("feeds = ['x']", "feeds[1]: write a table of keys and values"),
    ],
)
def test_a_mistake_is_reported_with_its_key_and_what_would_be_right(
    tmp_path: Path, table: str, mistake: str
) -> None:
    """In words of this program alone."""
    tables = (table, SOURCES) if table.startswith(("rules", "feeds")) else (SOURCES, table)
    (found,) = mistakes(tmp_path, "\n".join(tables))
    assert mistake in found
    assert "pydantic" not in found
    assert "Value error" not in found


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    """Those of rules beside those of sources."""
    wrong = "[[rules]]\nname = 'a'\nwhen = '('\nthen = 'dorp'\n[[feeds]]\nname = 'b'\nquery = ')'\n"
    assert len(mistakes(tmp_path, wrong + "[[sources]]\nname = 'c'\n")) == 4


def test_names_that_a_list_or_a_document_may_bring_are_doubts(site: Site) -> None:
    """`check` prints them, and nothing fails."""
    rule = {"name": "a", "when": "x", "then": {"remove-from": ["Tee"]}, "sources": ["Tea"]}
    (site.home / "posts").mkdir(exist_ok=True)
    site.configure(
        {"name": "List", "kind": "opml", "url": "https://list.example/"},
        {"name": "Posts", "kind": "articles", "path": "posts"},
        rules=[rule],
    )
    result = site.run("check")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "rules[1].sources (rule 'a'): no source is named 'Tea' (a list may name it)" in said
    assert "no category or saved feed is named 'Tee' (an article may name it)" in said
    assert "1 rule, 0 saved feeds" in said


def test_check_and_start_end_with_a_usage_error(site: Site) -> None:
    """Nothing is polled or published with a rule that cannot be read."""
    site.configure(rules=[{"name": "a", "when": "title:(x", "then": "drop"}])
    for command in ("check", "fetch", "publish"):
        result = site.run(command)
        assert result.exit_code == 2
        assert "at character 7" in " ".join(result.output.split())


def test_a_thousand_rules_and_feeds_are_loaded(tmp_path: Path) -> None:
    """Each checked."""
    text = SOURCES + "".join(
        f"[[rules]]\nname = 'r{n}'\nwhen = 'title:w{n} OR text:/x{n}/'\nthen = {{ file-under = ['c{n}'] }}\n"
        f"[[feeds]]\nname = 'f{n}'\nquery = 'category:c{n}'\n"
        for n in range(1_000)
    )
    loaded = config.load(write(tmp_path, text))
    assert len(config_rules.rule_set(loaded.rules, loaded.feeds).rules) == len(loaded.feeds) == 1_000


def test_categories_that_rules_file_under_are_compared_with_others(site: Site) -> None:
    """A feed that differs from another by case only is seldom meant."""
    source = {"name": "A", "url": "https://a.example/", "categories": ["Sport"]}
    site.configure(source, rules=[{"name": "a", "when": "x", "then": {"file-under": ["sport"]}}])
    said = " ".join(site.run("check").output.split())
    assert "the categories 'Sport' and 'sport' differ by case only" in said


def test_the_page_names_every_field_action_and_key() -> None:
    """So that nothing has to be guessed."""
    page = (Path(__file__).parents[2] / "docs" / "choosing.md").read_text(encoding="utf-8")
    fields, actions_and_keys = page.partition("### Fields")[2], page
    assert [name for name in FIELDS if name and f"`{name}:" not in fields] == []
    assert [name for name in ACTIONS if name not in actions_and_keys] == []
    assert [name for name in KEYS if f"`{name}`" not in page.partition("## Rewriting")[2]] == []


def test_every_example_of_the_docs_loads(tmp_path: Path) -> None:
    """Each example of docs/choosing.md can be pasted."""
    page = Path(__file__).parents[2] / "docs" / "choosing.md"
    examples = page.read_text(encoding="utf-8").split("```toml\n")[1:]
    assert len(examples) > 5
    for example in examples:
        text = example.partition("```")[0]
        tomllib.loads(text)
        given = "" if "[[sources]]" in text else SOURCES
        config.load(write(tmp_path, given + text))
