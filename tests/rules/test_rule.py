"""Rules, in their order, and their effects on an article."""

from __future__ import annotations

import pickle
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import QueryError
from aggregator.model import wire
from aggregator.model.article import Article
from aggregator.model.verdict import Rewriting, Verdict
from aggregator.rules import actions
from aggregator.rules.query import ArticleFacts
from aggregator.rules.rewrites import KEYS
from aggregator.rules.rule import Rule, RuleSet, judge, rule_of
from tests.support.examples import examples

NAMES = (*actions.ACTIONS, *KEYS, "pattern", "with", "p", "https://a.example/b.png", "x")
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ARTICLE = Article(
    source="Example news",
    id="1",
    title="Chess and tea",
    published=NOW - timedelta(days=3),
    categories=("Sport", "Front page"),
    tags=("games",),
    content="<p>Text</p>",
)


def rule(
    when: str,
    then: object,
    *,
    name: str = "",
    sources: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
) -> Rule:
    """A rule, named after its query."""
    return rule_of(name=name or when, when=when, then=then, sources=sources, categories=categories)


def said(*rules: Rule, article: Article = ARTICLE, saved: tuple[str, ...] = ()) -> Verdict:
    """Returns what rules say of the article."""
    return judge(RuleSet(rules, saved), ArticleFacts(article), NOW)


def test_rules_that_are_sent_to_another_process_have_the_same_effects() -> None:
    """Their actions are functions, which pickle refuses."""
    table = {"tag": ["found"], "file-under": ["Garden"], "remove-from": ["Sport"]}
    rewrite = {"rewrite": {"title": {"pattern": "tea", "with": "coffee"}}}
    rules = RuleSet([rule("chess", [table, rewrite], sources=("Example news",)), rule("*", "stop")], ["A"])
    sent = pickle.loads(pickle.dumps(rules))
    verdict = judge(sent, ArticleFacts(ARTICLE), NOW)
    assert verdict == judge(rules, ArticleFacts(ARTICLE), NOW)
    assert verdict.all_tags(()) == ("found",)
    assert sent.rewritten(ARTICLE, verdict, "all").title == "Chess and coffee"
    assert (sent.digest, sent.other_feeds) == (rules.digest, rules.other_feeds)


def test_without_rules_nothing_changes() -> None:
    """The article stands where it was found."""
    verdict = said()
    assert verdict == Verdict()
    assert verdict.categories(ARTICLE.categories) == ("Sport", "Front page")
    assert verdict.excluded_from("all") is None


def test_matching_articles_are_dropped_from_every_feed() -> None:
    """Rules after it are not asked."""
    verdict = said(rule("chess", "drop"), rule("tea", {"file-under": ["Tea"]}))
    assert verdict.matched == ("chess",)
    assert verdict.dropped_by == "chess"
    assert verdict.categories(ARTICLE.categories) == ()
    assert {verdict.excluded_from(name) for name in ("all", "Sport", "Tea")} == {"chess"}


def test_a_rule_with_categories_drops_only_from_these() -> None:
    """Also from `all` and from saved feeds, which know no categories."""
    verdict = said(
        rule("chess", "drop", categories=("Front page", "all", "This week", "Elsewhere")),
        saved=("This week",),
    )
    assert verdict.dropped_by is None
    assert verdict.removed == {"Front page": "chess", "all": "chess", "This week": "chess"}
    assert verdict.categories(ARTICLE.categories) == ("Sport",)
    assert verdict.excluded_from("Sport") is None


@pytest.mark.parametrize(
    ("when", "scope", "dropped_by", "removed"),
    [
        ("chess", {}, None, {}),
        ("poker", {}, "poker", {}),
        ("poker", {"sources": ("Example news",)}, "poker", {}),
        ("poker", {"sources": ("Other",)}, None, {}),
        ("poker", {"categories": ("Sport",)}, None, {"Sport": "poker"}),
        ("poker", {"categories": ("Tea",)}, None, {}),
        ("chess", {"categories": ("Sport",)}, None, {}),
    ],
)
def test_keep_only_drops_what_does_not_match_within_its_scope(
    when: str, scope: dict[str, tuple[str, ...]], dropped_by: str | None, removed: dict[str, str]
) -> None:
    """Sources and feeds that the rule does not name stay as they are."""
    verdict = said(
        rule(
            when,
            "keep-only",
            sources=scope.get("sources", ()),
            categories=scope.get("categories", ()),
        )
    )
    assert (verdict.dropped_by, verdict.removed) == (dropped_by, removed)
    assert verdict.matched == (("chess",) if when == "chess" and "Other" not in scope else ())


def test_queries_see_the_categories_and_tags_of_the_rules_before() -> None:
    """Not of those after."""
    verdict = said(
        rule("tag:green", {"tag": ["too early"]}),
        rule("chess", {"tag": ["green", "games"], "file-under": "Games"}),
        rule("tag:green AND category:games", {"file-under": ["Green games"], "remove-from": ["Sport"]}),
        rule("category:sport", "drop"),
    )
    assert verdict.matched == ("chess", "tag:green AND category:games")
    assert verdict.tags == {"green": "chess"}
    assert verdict.all_tags(ARTICLE.tags) == ("games", "green")
    assert verdict.added == {"Games": "chess", "Green games": "tag:green AND category:games"}
    assert verdict.categories(ARTICLE.categories) == ("Front page", "Games", "Green games")


def test_the_last_rule_about_a_feed_decides() -> None:
    """Added and removed again, and the reverse."""
    out = rule("chess", {"remove-from": ["Sport", "New"]}, name="out")
    into = rule("chess", {"file-under": ["Sport", "New"]}, name="into")
    assert said(out, into).categories(ARTICLE.categories) == ("Sport", "Front page", "New")
    assert said(into, out).categories(ARTICLE.categories) == ("Front page",)
    assert said(into, out).removed == {"Sport": "out", "New": "out"}


def test_stop_ends_the_rules_for_what_matches() -> None:
    """Other articles go on."""
    drop = rule("tea", "drop")
    assert said(rule("chess", "stop"), drop).dropped_by is None
    assert said(rule("poker", "stop"), drop).dropped_by == "tea"
    tagged = said(rule("chess", [{"tag": ["a"]}, "stop"]), drop)
    assert (tagged.tags, tagged.dropped_by) == ({"a": "chess"}, None)
    assert said(rule("chess", {"tag": ["a"], "stop": True}), drop).dropped_by is None


def test_other_actions_apply_to_articles_in_the_rules_categories() -> None:
    """Also by an earlier rule."""
    tag = rule("chess", {"tag": ["x"]}, categories=("Games",))
    assert said(tag).matched == ()
    assert said(rule("tea", {"file-under": ["Games"]}), tag).tags == {"x": "chess"}
    assert said(rule("chess", {"tag": ["x"]}, categories=("Sport",))).tags == {"x": "chess"}


def test_a_rewriting_is_for_the_feeds_of_its_rule() -> None:
    """What is stored stays."""
    rules = RuleSet(
        [
            rule("chess", {"rewrite": {"title": {"pattern": "chess", "with": "Go"}}}),
            rule("tea", {"rewrite": {"title": {"pattern": "tea", "with": "Cha"}}}, categories=("Sport",)),
            rule("poker", {"rewrite": {"title": {"pattern": ".*", "with": "!"}}}),
        ]
    )
    verdict = judge(rules, ArticleFacts(ARTICLE), NOW)
    assert verdict.rewritings == (Rewriting(rule="chess"), Rewriting(rule="tea", feeds=("Sport",)))
    assert rules.rewritten(ARTICLE, verdict, "Sport").title == "Go and Cha"
    assert rules.rewritten(ARTICLE, verdict, "all").title == "Go and tea"
    assert rules.rewritten(ARTICLE, Verdict(), "all") is ARTICLE


def test_a_verdict_reports_whether_time_changes_it() -> None:
    """By a rule that was asked of this article."""
    assert said(rule("age:<7d", "drop")).depends_on_now
    assert not said(rule("age:<7d", "drop", sources=("Other",))).depends_on_now
    assert not said(rule("chess", "stop"), rule("age:<7d", "drop")).depends_on_now


def test_a_verdict_can_be_stored_as_plain_data() -> None:
    """In the form in which everything crosses processes."""
    verdict = said(rule("chess", {"tag": ["x"], "rewrite": {}}), rule("age:>1d", "drop", categories=("all",)))
    assert wire.converted(wire.plain(verdict, Verdict), Verdict) == verdict


def test_the_digest_of_rules_changes_only_with_their_meaning() -> None:
    """So that a store knows when to apply them again."""
    one, two = rule("chess", "drop"), rule("tea", {"tag": ["x"]})
    assert RuleSet().digest == ""
    assert RuleSet([one, two]).digest == RuleSet([rule("chess", "drop"), rule("tea", {"tag": ["x"]})]).digest
    others = [
        [one],
        [two, one],
        [one, rule("tea", {"tag": ["y"]})],
        [one, rule("tea", {"tag": ["x"]}, sources=("Other",))],
        [one, rule("tea", {"tag": ["x"]}, categories=("Sport",))],
        [one, rule("tea", {"tag": ["x"]}, name="another")],
    ]
    assert len({RuleSet(rules).digest for rules in ([one, two], *others)}) == 7


@pytest.mark.parametrize(
    ("then", "message"),
    [
        ("dorp", "no action is named 'dorp'; did you mean 'drop'\\? there are drop, keep-only"),
        ({"file_under": ["x"]}, "did you mean 'file-under'"),
        ([], "at least one action"),
        ({}, "at least one action"),
        (5, 'write an action such as "drop"'),
        ([5], 'write an action such as "drop"'),
        ("tag", "tag: write a list of names"),
        ({"tag": []}, "tag: write a list of names"),
        ({"tag": [1]}, "tag: write a list of names"),
        ({"tag": [" "]}, "tag: write a list of names"),
        ({"file-under": {"a": 1}}, "file-under: write a list of names"),
        ({"remove-from": "x" * 201}, "remove-from: write a list of names"),
        ({"drop": ["x"]}, "drop: takes no value"),
        ({"stop": False}, "stop: takes no value"),
        (["drop"] * 51, "more than 50 actions"),
        ("rewrite", "rewrite: write a table"),
    ],
)
def test_an_action_that_does_not_exist_or_has_no_sense_is_refused(then: object, message: str) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match=message):
        rule("chess", then)


_VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from([*NAMES])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from([*NAMES]), st.text(max_size=3)), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(_VALUES)
@settings(max_examples=examples(150))
def test_any_value_of_then_is_an_action_or_a_mistake(then: object) -> None:
    """Nothing else is raised, there or where it acts."""
    try:
        found = rule("chess", then)
    except ValueError:
        return
    assert found.actions
    rules = RuleSet([found])
    verdict = judge(rules, ArticleFacts(ARTICLE), NOW)
    assert rules.rewritten(ARTICLE, verdict, "all").id == ARTICLE.id


def test_a_query_that_cannot_be_read_is_refused() -> None:
    """With its place."""
    with pytest.raises(QueryError, match="at character 1"):
        rule("tilte:x", "drop")


def test_a_thousand_rules_are_asked() -> None:
    """Each in its turn."""
    rules = [rule(f"title:chess OR t{n}", {"tag": [f"tag {n}"]}, name=str(n)) for n in range(1_000)]
    verdict = said(*rules)
    assert len(verdict.matched) == len(verdict.tags) == 1_000


def test_an_action_of_another_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its entry point; one that cannot be loaded says why."""
    (tmp_path / "stranger.py").write_text(
        "from aggregator.rules.actions.action import Action, ActionKind\n"
        "ACTION = ActionKind(parse=lambda value: Action(act=lambda draft: draft.tag(['by ' + value])))\n"
    )
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[aggregator.rule_actions]\nsign = stranger:ACTION\n"
        "broken = stranger:MISSING\nodd = stranger:__name__\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    actions.installed.cache_clear()
    try:
        assert said(rule("chess", {"sign": "me"})).tags == {"by me": "chess"}
        with pytest.raises(ValueError, match=r"broken: its package .* cannot be loaded"):
            rule("chess", "broken")
        with pytest.raises(ValueError, match=r"odd: .* is not an aggregator.rules.actions.ActionKind"):
            rule("chess", "odd")
    finally:
        actions.installed.cache_clear()
        sys.modules.pop("stranger", None)


def test_rules_that_undo_each_other_end() -> None:
    """Each is asked once, in order: the last one decides."""
    there = rule("category:Sport", {"file-under": ["Games"], "remove-from": ["Sport"]})
    back = rule("category:Games", {"file-under": ["Sport"], "remove-from": ["Games"]})
    verdict = judge(RuleSet([there, back]), ArticleFacts(ARTICLE), NOW)
    assert verdict.categories(ARTICLE.categories) == ("Sport", "Front page")
    verdict = judge(RuleSet([back, there]), ArticleFacts(ARTICLE), NOW)
    assert verdict.categories(ARTICLE.categories) == ("Front page", "Games")
