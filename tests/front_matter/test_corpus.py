"""Front matter over real files: posts of the old system, and posts of many generators."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.errors import FrontMatterError
from aggregator.front_matter import text as front_matter

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "articles"
pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real files is not here")

OLD = sorted([*CORPUS.glob("seed/*"), *CORPUS.glob("seed-head/*")])
OTHER = sorted(CORPUS.glob("other/*"))

# Everything of `other` that is refused, and why; the rest is read.
REFUSED = {
    "gray-matter__autodetect-cson.md": "line 1: front matter in cson",
    "gray-matter__lang-javascript-fn.md": "line 2: front matter must be `key: value` lines",
    "simplepie-ng__tree.txt": "line 1: front matter opens with --- and is never closed",
}
READ = [path for path in OTHER if path.name not in REFUSED]


class Eyes:
    """What a person sees in a file of the old form, by its lines alone."""

    def __init__(self, text: str) -> None:
        head, self.body = text.removeprefix("\n---\n").split("\n---\n\n", 1)
        lines = head.split("\n")
        at = next(number for number, line in enumerate(lines) if line.startswith("categories:"))
        self.title = self.unquoted(" ".join(lines[:at]).removeprefix("title: "))
        self.title = self.title.replace("&#123;", "{").replace("&#125;", "}")
        self.categories = tuple(
            line.strip().removeprefix("- ") for line in lines[at:] if line.strip().startswith("- ")
        )
        self.keys = dict(line.split(":", 1) for line in lines[at:] if line[:1].strip())

    @staticmethod
    def unquoted(text: str) -> str:
        text = text.strip().strip('"') if text.startswith('"') else text.strip()
        return text[1:-1] if text[:1] == "'" == text[-1:] else text

    @property
    def published(self) -> datetime | None:
        written = self.keys["date"].strip()
        if written == "Invalid Date" or " 1970 " in written:
            return None
        form = "%Y-%m-%d %H:%M:%S" if written[:2] == "20" else "%a, %d %b %Y %H:%M:%S GMT"
        return datetime.strptime(written, form).replace(tzinfo=UTC)

    @property
    def headimg(self) -> str | None:
        found = [self.unquoted(self.keys.get(key, "")) for key in ("headimg", "thumbnail")]
        return next((url for url in found if url and not url.endswith("/undefined")), None)


@pytest.mark.parametrize("path", OLD, ids=[path.stem for path in OLD])
def test_every_post_of_the_old_system_is_read_as_a_person_reads_it(path: Path) -> None:
    """Title, date, categories, author, lead image and body, against a reading by lines."""
    seen = Eyes(path.read_bytes().decode())
    article, problems = front_matter.parse(path.read_bytes(), url=path.name)
    assert article.title == seen.title
    assert article.published == seen.published
    assert article.categories == seen.categories
    assert article.headimg == seen.headimg
    assert article.authors == (seen.keys["author"].strip(),)
    assert article.content == seen.body
    assert any(problem.text.startswith("date") for problem in problems) == (seen.published is None)


@pytest.mark.parametrize("path", OLD, ids=[path.stem for path in OLD])
def test_every_post_of_the_old_system_comes_back_after_writing(path: Path) -> None:
    """And what is written is read without a problem."""
    article = front_matter.loads(path.read_bytes(), url=path.name)
    assert front_matter.parse(front_matter.dumps(article)) == (article, ())


def test_every_other_file_is_read_or_refused_with_its_reason() -> None:
    """94 read and written again, 3 refused for the reasons listed; none in silence."""
    refused: dict[str, str] = {}
    read = 0
    for path in OTHER:
        try:
            article = front_matter.loads(path.read_bytes(), url=path.name)
        except FrontMatterError as error:
            refused[path.name] = str(error)
            continue
        read += 1
        assert front_matter.parse(front_matter.dumps(article)) == (article, ())
    assert refused.keys() == REFUSED.keys()
    assert all(refused[name].startswith(f"{name}: {reason}") for name, reason in REFUSED.items())
    assert (read, len(refused)) == (94, 3)


@pytest.mark.parametrize("path", READ, ids=[path.name for path in READ])
def test_the_title_and_the_end_of_other_files_are_what_is_written(path: Path) -> None:
    """The first line that names a title is the title; the body is the file's end, byte for byte."""
    text = path.read_bytes().decode("utf-8-sig")
    article = front_matter.loads(text, url=path.name)
    assert text.endswith(article.content)
    before = text[: len(text) - len(article.content)].rstrip()
    assert before.endswith(("---", "+++", ";;;")) or "pelican" in path.name or not before
    named = re.search(r'^[ "]*title"?[ \t]*[:=][ \t]*([^\r\n]+)', text[:3000], re.MULTILINE | re.IGNORECASE)
    if named and text.lstrip()[:1] != "#":
        written = named[1].strip().rstrip(",").strip()
        for quote in "\"'":
            written = written[1:-1] if len(written) > 1 and written[0] == quote == written[-1] else written
        assert article.title == written.strip()
