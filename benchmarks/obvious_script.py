"""What one would write in an afternoon: requests on ten threads, feedparser, python-frontmatter, feedgen.

Polls the addresses in `urls.txt`, keeps validators in a JSON file and articles as files of front matter, and writes
one RSS and one Atom feed of the newest fifty.
"""

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import frontmatter
import requests
from feedgen.feed import FeedGenerator

STATE, ARTICLES = Path("state.json"), Path("articles")
SESSION = requests.Session()


def poll(address: str, tag: str | None) -> tuple[str, str | None, list[dict[str, str]]]:
    """The address, its new ETag and its entries; none where nothing changed."""
    answer = SESSION.get(address, headers={"If-None-Match": tag} if tag else {}, timeout=30)
    if answer.status_code == 304:
        return address, tag, []
    found = []
    for entry in feedparser.parse(answer.content).entries:
        moment = datetime(*entry.published_parsed[:6], tzinfo=UTC) if "published_parsed" in entry else None
        date = (moment or datetime.now(UTC)).isoformat()
        body = entry.content[0].value if "content" in entry else entry.get("summary", "")
        title, link = entry.get("title", ""), entry.get("link", "")
        found.append({"id": entry.get("id", link), "title": title, "link": link, "date": date, "body": body})
    return address, answer.headers.get("ETag"), found


def main() -> None:
    """One poll of all."""
    ARTICLES.mkdir(exist_ok=True)
    state = json.loads(STATE.read_text()) if STATE.exists() else {}
    addresses = Path("urls.txt").read_text().split()
    has_new = False
    with ThreadPoolExecutor(10) as threads:
        for address, tag, entries in threads.map(poll, addresses, map(state.get, addresses)):
            state[address] = tag
            for entry in entries:
                file = ARTICLES / f"{hashlib.sha256((address + entry['id']).encode()).hexdigest()[:32]}.md"
                if not file.exists():
                    facts = {name: value for name, value in entry.items() if name != "body"}
                    file.write_text(frontmatter.dumps(frontmatter.Post(entry["body"], **facts)))
                    has_new = True
    STATE.write_text(json.dumps(state))
    if has_new:
        write()


def write() -> None:
    """The newest fifty as RSS and Atom."""
    posts = sorted(map(frontmatter.load, ARTICLES.iterdir()), key=lambda post: str(post["date"]))[-50:]
    feed = FeedGenerator()
    feed.id("urn:x:all")
    feed.title("All")
    feed.link(href="https://planet.example/")
    feed.description("All")
    for post in posts:
        entry = feed.add_entry()
        entry.id(str(post["id"]))
        entry.title(str(post["title"]) or "Untitled")
        entry.link(href=str(post["link"]))
        entry.published(str(post["date"]))
        entry.updated(str(post["date"]))
        entry.content(post.content, type="html")
    feed.rss_file("rss.xml")
    feed.atom_file("atom.xml")


if __name__ == "__main__":
    write() if "--write" in sys.argv else main()
