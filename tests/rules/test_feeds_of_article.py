"""In which feeds an article stands, and what a dry run says of it."""

from __future__ import annotations

from aggregator.model.struct import replace
from aggregator.rules.dry_run import FeedTrial, RuleTrial, tried, tried_query
from aggregator.rules.feeds_of_article import feeds_of, with_labels
from aggregator.rules.query import ArticleFacts, parse
from aggregator.rules.query_set import QuerySet
from aggregator.rules.rule import RuleSet, judge, rule_of
from tests.rules.test_rule import ARTICLE, NOW, rule

NONE = frozenset[str]()
QUERIES = QuerySet({"Games": parse("tag:green OR title:go"), "Sports": parse("category:sport")})


def test_an_article_is_in_its_categories_all_and_matching_saved_feeds() -> None:
    """As found, and by rules."""
    facts = ArticleFacts(ARTICLE)
    nothing = RuleSet()
    assert feeds_of(judge(nothing, facts, NOW), facts, QUERIES, NOW) == {
        "all",
        "Sport",
        "Front page",
        "Sports",
    }
    rules = RuleSet(
        [rule("chess", {"tag": ["green"], "file-under": ["Board"], "remove-from": ["Sport", "all"]})], QUERIES
    )
    verdict = judge(rules, facts, NOW)
    assert feeds_of(verdict, facts, QUERIES, NOW) == {"Front page", "Board", "Games"}
    assert with_labels(facts, verdict).tags == ("games", "green")
    assert with_labels(facts, judge(nothing, facts, NOW)) is facts


def test_a_saved_feed_can_be_left_by_a_rule() -> None:
    """Its query alone would have it."""
    facts = ArticleFacts(ARTICLE)
    rules = RuleSet([rule("chess", "drop", categories=("Sports",))], QUERIES)
    assert "Sports" not in feeds_of(judge(rules, facts, NOW), facts, QUERIES, NOW)
    dropped = judge(RuleSet([rule("chess", "drop")]), facts, NOW)
    assert feeds_of(dropped, facts, QUERIES, NOW) == frozenset()


def test_a_dry_run_counts_and_shows_examples() -> None:
    """Of rules and of feeds; what is seldom meant is a doubt."""
    articles = [replace(ARTICLE, id=str(n), title=f"{'Chess' if n % 2 else 'Go'} {n}") for n in range(10)]
    facts = [ArticleFacts(article) for article in articles]
    found = [(each, feeds_of(judge(RuleSet(), each, NOW), each, QUERIES, NOW), NONE) for each in facts]
    rules = RuleSet([rule("chess", {"remove-from": ["Sport"]}), rule("poker", "drop"), rule("go", "drop")])
    trial = tried(rules, QUERIES, found, NOW)
    assert trial.articles == 10
    assert trial.rules == (
        RuleTrial(
            name="chess", asked=10, matched=5, dropped=0, moved=5, examples=("Chess 1", "Chess 3", "Chess 5")
        ),
        RuleTrial(name="poker", asked=10, matched=0, dropped=0, moved=0, examples=()),
        RuleTrial(name="go", asked=10, matched=5, dropped=5, moved=5, examples=("Go 0", "Go 2", "Go 4")),
    )
    feeds = {feed.name: feed for feed in trial.feeds}
    assert [(name, feed.before, feed.after) for name, feed in feeds.items()] == [
        ("Front page", 10, 5), ("Games", 5, 0), ("Sport", 10, 0), ("Sports", 10, 0), ("all", 10, 5),
    ]  # fmt: skip
    assert feeds["Games"] == FeedTrial(
        name="Games", before=5, after=0, joined=0, left=5, gained=(), lost=("Go 0", "Go 2", "Go 4")
    )
    assert trial.doubts == ("rule 'poker' matches nothing",)
    everything = tried(RuleSet([rule("*", "drop")]), QuerySet({}), found, NOW)
    assert everything.doubts == ("rule '*' drops everything that there is",)
    assert tried(RuleSet([rule("*", "drop")]), QuerySet({}), [], NOW).doubts == ()


def test_a_rule_that_drops_all_of_its_sources_is_a_doubt() -> None:
    """What does not match is dropped, too, by `keep-only`; it is a change by that rule."""
    found = [
        (ArticleFacts(replace(ARTICLE, id=str(n)), source=source), frozenset({"all"}), NONE)
        for n, source in enumerate(("a", "b"))
    ]
    one = rule_of(name="one", when="poker", then="keep-only", sources=["a"])
    trial = tried(RuleSet([one]), QuerySet({}), found, NOW)
    assert trial.doubts == ("rule 'one' matches nothing", "rule 'one' drops everything of its sources")
    assert [(each.asked, each.matched, each.dropped, each.moved) for each in trial.rules] == [(1, 0, 1, 1)]


def test_a_dry_run_lists_only_feeds_and_rules_with_changes() -> None:
    """Rules and feeds that change nothing are left out."""
    rules = RuleSet([rule("chess", {"file-under": ["Games"]}), rule("*", {"tag": ["x"]})])
    facts = ArticleFacts(ARTICLE)
    before = feeds_of(judge(RuleSet(), facts, NOW), facts, QuerySet({}), NOW)
    changes = tried(rules, QuerySet({}), [(facts, before, NONE)], NOW).changes
    assert [each.name for each in changes.feeds] == ["Games"]
    after = feeds_of(judge(rules, facts, NOW), facts, QuerySet({}), NOW)
    same = tried(rules, QuerySet({}), [(facts, after, NONE)], NOW).changes
    assert (same.rules, same.feeds, same.articles) == ((), (), 1)


def test_a_tested_query_sees_articles_after_the_rules() -> None:
    """With the tags that they give; those found are counted by feed."""
    rules = RuleSet([rule("chess", {"tag": ["green"]})])
    found = [(ArticleFacts(ARTICLE), frozenset({"all", "Sport"}), NONE), (ArticleFacts(ARTICLE), NONE, NONE)]
    trial = tried_query(parse("tag:green"), rules, found, NOW)
    assert (trial.articles, trial.matched, trial.feeds) == (2, 2, (("Sport", 1), ("all", 1)))
