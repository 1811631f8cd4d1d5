"""An entry is recognised at the next poll."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.entry import Category, Entry, IdentityKind, Link, Media, Person, Text
from aggregator.model.struct import replace
from aggregator.normalise.identity import fingerprint, identify


def entry(id_: str | None = None, title: str = "", published: str | None = None) -> Entry:
    """An entry with nothing else."""
    return Entry(id=id_, title=Text(title), published=published)


def many(count: int) -> list[Entry]:
    """Entries that have a guid and a title each."""
    return [entry(f"guid-{n}", f"title {n}") for n in range(count)]


def links(count: int) -> list[str | None]:
    """A link for each of so many entries."""
    return [f"https://a.example/{n}" for n in range(count)]


def test_a_guid_is_kept_verbatim() -> None:
    """Whatever it looks like."""
    found = identify([entry(" HTTP://A.example/?p=1 ")], [None])
    assert found.ids == (" HTTP://A.example/?p=1 ",)
    assert found.problems == ()


def test_an_entry_without_a_guid_is_known_by_its_link_then_by_a_hash() -> None:
    """One of many does not make the feed fall to another kind."""
    entries = [*many(3), entry(title="no guid")]
    assert identify(entries, links(4)).ids[3] == "https://a.example/3"
    hashed = identify(entries, [*links(3), None])
    assert hashed.kind == "guid"
    assert len(hashed.ids[3] or "") == 32


def test_a_guid_repeated_in_one_document_becomes_guid_and_link() -> None:
    """Both entries of the pair, whatever their order, so that the order does not matter at the next poll."""
    entries = [*many(60), entry("guid-1", "other")]
    found = identify(entries, links(61))
    assert found.kind == "guid"
    assert found.ids[1] == "guid-1|https://a.example/1"
    assert found.ids[60] == "guid-1|https://a.example/60"
    assert found.ids[2] == "guid-2"
    assert len(found.problems) == 2


def test_a_guid_and_link_repeated_together_are_distinguished_by_a_hash() -> None:
    """The first keeps guid and link."""
    entries = [*many(60), entry("guid-1", "other")]
    found = identify(entries, [*links(60), "https://a.example/1"])
    assert found.ids[1] == "guid-1|https://a.example/1"
    assert (found.ids[60] or "").startswith("guid-1|https://a.example/1|")


def test_an_exact_copy_is_left_out_and_reported() -> None:
    """Same guid, link and content: one article."""
    found = identify([*many(3), entry("guid-1", "title 1")], [*links(3), "https://a.example/1"])
    assert found.ids == ("guid-0", "guid-1", "guid-2", None)
    assert found.kind == "guid"
    assert [problem.where for problem in found.problems] == ["guid-1"]


def test_with_one_guid_for_all_entries_links_identify_them() -> None:
    """More than 5% of the ids are shared."""
    found = identify([entry("same", f"title {n}") for n in range(10)], links(10))
    assert found.kind == "link"
    assert found.ids == tuple(links(10))
    assert len(found.problems) == 1


def test_with_one_guid_and_link_for_all_entries_hashes_identify_them() -> None:
    """Title, date and content are what is left."""
    found = identify([entry("same", f"title {n}") for n in range(10)], ["https://a.example/"] * 10)
    assert found.kind == "hash"
    assert len(set(found.ids)) == 10


def test_a_feed_that_has_no_guids_at_all_is_no_problem() -> None:
    """RSS before 2.0 has none."""
    found = identify([entry(title=f"title {n}") for n in range(10)], links(10))
    assert (found.kind, found.problems) == ("link", ())


def test_the_kind_of_identity_stays_when_the_guids_are_good_again() -> None:
    """Ids that change back would make every article new again."""
    found = identify(many(3), links(3), "link")
    assert (found.kind, found.ids) == ("link", tuple(links(3)))


def test_an_endless_guid_is_hashed() -> None:
    """No store takes a megabyte for a key."""
    assert len(identify([entry("x" * 10_000)], [None]).ids[0] or "") == 32


def test_a_hash_does_not_depend_on_the_other_entries() -> None:
    """It is the same in every document that holds the entry."""
    alone = identify([entry(title="a")], [None]).ids[0]
    assert identify([entry(title="b"), entry(title="a")], [None, None]).ids[1] == alone


_VALUES = st.sampled_from([None, "", "a", "b", "a|b", "b|a", "\ud800"])
_ENTRIES = st.lists(st.tuples(_VALUES, _VALUES, st.sampled_from(["", "t", "u"])), max_size=12)


@given(_ENTRIES, st.sampled_from(["guid", "link", "hash"]))
def test_all_different_entries_have_different_ids(
    rows: list[tuple[str | None, str | None, str]], kind: IdentityKind
) -> None:
    """Every entry but exact copies has an id, all are different, none is empty."""
    found = identify([entry(id_, title) for id_, _, title in rows], [link for _, link, _ in rows], kind)
    ids = [id_ for id_ in found.ids if id_ is not None]
    assert all(ids)
    assert len(set(ids)) == len(ids) == len(set(rows))


FULL = Entry(
    id="a",
    title=Text("t"),
    links=[Link("l")],
    authors=[Person("p")],
    categories=[Category("c")],
    contents=[Text("x")],
    media=[Media("m")],
)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"title": Text("t", "html")},
        {"links": [Link("l", "related")]},
        {"published": "2024-01-08"},
        {"updated": "2024-01-08"},
        {"authors": [Person("q")]},
        {"contributors": [Person("p")]},
        {"categories": []},
        {"summary": Text("s")},
        {"contents": [Text("y")]},
        {"media": [Media("m", is_enclosure=True)]},
        {"thumbnails": ["x"]},
        {"comments": "x"},
        {"rights": "x"},
        {"language": "x"},
        {"base": "x"},
        {"id_is_permalink": True},
        {"extra": {"a:b": ["x"]}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_fingerprint_changes_with_every_field(change: dict[str, object]) -> None:
    """What is not in it would not be noticed."""
    assert fingerprint(replace(FULL, **change)) != fingerprint(FULL)  # type: ignore[arg-type]


def test_a_fingerprint_does_not_change_with_the_line() -> None:
    """A new entry on top moves all others down."""
    assert fingerprint(replace(FULL, line=9)) == fingerprint(FULL)


def test_every_field_of_an_entry_is_in_the_test_above() -> None:
    """A field added to Entry has to be added to the fingerprint."""
    assert len(Entry.__struct_fields__) == 20


def test_a_fingerprint_changes_with_its_context() -> None:
    """The same entry under another base is another article."""
    assert fingerprint(FULL, "a") != fingerprint(FULL, "b")
