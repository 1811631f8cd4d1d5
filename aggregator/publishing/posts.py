"""Keeps a folder of posts up to date: writes changed articles, and removes files of pruned ones.

Only our own files are changed: each is recorded with the hash of its bytes. A file with another hash was
changed by hand; it is still ours if its front matter names its article.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from aggregator.config.load import Posts
from aggregator.errors import FrontMatterError, WriteError
from aggregator.front_matter import text as front_matter
from aggregator.model.struct import replace
from aggregator.normalise.folder_names import folder_key
from aggregator.publishing.copies_in_articles import copies_shown
from aggregator.publishing.outputs import items
from aggregator.publishing.public_addresses import PublicAddresses
from aggregator.rules.rule import RuleSet
from aggregator.store import Store, StoredArticle
from aggregator.store.posts import PostFile
from aggregator.writers import posts as writer
from aggregator.writers.channel import Item
from aggregator.writers.output_files import remove_leftovers, write_if_changed

__all__ = ["Written", "write_posts"]

MAX_BYTES = 64 * 1024 * 1024
_AT_ONCE = 200


@dataclass(slots=True, kw_only=True)
class Written:
    """The result of writing posts: files that were written and removed, and errors.

    `notes` name files that were not changed because they are no longer ours.
    """

    written: list[Path] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    errors: list[WriteError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write_posts(
    *,
    store: Store,
    posts: Posts,
    disclosure: PublicAddresses,
    rules: RuleSet | None = None,
    version: str,
    everything: bool = False,
    copies_at: str = "",
) -> Written:
    """Writes articles that changed since the last time, and removes the files of those that are gone.

    An article keeps its first file name as long as that file exists. A file that a power cut emptied or cut
    short is written again.

    - `everything`: checks every file.
    - `copies_at`: the public address of the output folder, if there are copies of pictures; "" for no copies.
    """
    look = f"{version} {posts.generator} {disclosure.mark}"
    state = f"{store.posts.generation()} {look} {posts.model_dump_json()}{copies_at}"
    done = Written()
    folder = _Folder(posts, store, disclosure, rules or RuleSet(), done, copies_at)
    damaged = folder.damaged()
    if store.database.setting("posts") == state and not damaged and not everything:
        return done
    copied = store.media.marks() if copies_at else {}
    marks = store.posts.marks(posts.categories)
    wanted = {uid: f"{look} {mark}{copied.get(uid, '')}" for uid, mark in marks.items()}
    changed = [uid for uid, mark in wanted.items() if everything or folder.mark(uid) != mark]
    gone = [uid for uid in folder.known if uid not in wanted]
    damaged = [uid for uid in damaged if uid in wanted and uid not in set(changed)]
    if changed or gone or damaged:
        try:
            remove_leftovers(posts.folder)
        except WriteError as error:  # files that are left do no harm
            done.errors.append(error)
    folder.remove(gone)
    for kept in store.posts.some(changed):
        folder.write(kept, wanted[kept.uid])
    for kept in store.posts.some(damaged):
        folder.mend(kept)
    folder.save()
    if not folder.failed:
        store.database.remember("posts", state)
    return done


class _Folder:
    """Our files in one folder, and the changes to them."""

    def __init__(
        self,
        posts: Posts,
        store: Store,
        disclosure: PublicAddresses,
        rules: RuleSet,
        done: Written,
        copies_at: str,
    ) -> None:
        self._copies_at = copies_at
        self._rules = rules
        self._posts = posts
        self._disclosure = disclosure
        self._store = store
        self._done = done
        self._key = store.posts.key(posts.folder)
        self.known = store.posts.written(self._key)
        self._taken = {folder_key(post.path) for post in self.known.values()}
        self._changed: dict[str, PostFile | None] = {}
        self.failed = False

    def mark(self, uid: str) -> str:
        """Returns the mark of an article when it was last written; "" if it never was."""
        return self.known[uid].mark if uid in self.known else ""

    def damaged(self) -> list[str]:
        """Returns the articles whose files are shorter than they were when written."""
        found = []
        for uid, post in self.known.items():
            try:
                status = os.lstat(os.path.join(self._posts.folder, post.path))  # noqa: PTH118
            except OSError:
                continue  # removed by hand: written again when its article changes
            if stat.S_ISREG(status.st_mode) and status.st_size < _size(post):
                found.append(uid)
        return found

    def mend(self, kept: StoredArticle) -> None:
        """Writes an article's file again if it is empty or cut short."""
        post = self.known[kept.uid]
        try:
            body = self._render(self._item(kept), post.path)
            path = self._path(post.path)
            found = self._body(path)
            if found is None or not (self._is_cut(found) or body.startswith(found.rstrip(b"\0"))):
                return
            if write_if_changed(path, body):
                self._done.written.append(path)
        except WriteError as error:
            self._fail(error)
            return
        self._note(kept.uid, replace(post, body_hash=_hash(body)))

    def write(self, kept: StoredArticle, mark: str) -> None:
        """Writes an article's file, unless the file is not ours any more."""
        post = self.known.get(kept.uid)
        item = self._item(kept)
        try:
            holds = "nothing" if post is None else self._holds(post)
            if post is not None and holds == "another":
                why = "changed by hand into something else: left alone"
                self._leave(kept.uid, replace(post, mark=mark), why)
                return
            if post is not None and holds == "nothing":
                self._taken.discard(folder_key(post.path))
            place = post.path if post is not None and holds == "ours" else self._place(item, kept)
            body = self._render(item, place)
            if write_if_changed(path := self._path(place), body):
                self._done.written.append(path)
        except WriteError as error:
            self._fail(error)
            return
        made = PostFile(
            path=place, body_hash=_hash(body), mark=mark, source=kept.article.source, id=kept.article.id
        )
        self._note(kept.uid, made)

    def _render(self, item: Item, place: str) -> bytes:
        try:
            return writer.render(item, self._posts, place)
        except WriteError as error:
            raise WriteError(f"{self._posts.folder / place}: {error}") from error

    def _item(self, kept: StoredArticle) -> Item:
        copies = copies_shown([kept], self._store, self._copies_at)
        return items([kept], self._disclosure, self._rules, copies=copies)[0]

    def remove(self, uids: list[str]) -> None:
        """Removes the files of articles that are gone, and folders that become empty."""
        for uid in uids:
            post = self.known[uid]
            try:
                holds = self._holds(post)
                if holds == "ours":
                    self._remove(self._path(post.path))
            except WriteError as error:
                self._fail(error)
                continue
            if holds == "another":
                self._leave(uid, None, "its article is gone, but it was changed by hand: left alone")
            else:
                self._taken.discard(folder_key(post.path))
                self._note(uid, None)

    def _remove(self, path: Path) -> None:
        try:
            path.unlink()
        except OSError as error:
            raise WriteError(f"{path}: it cannot be removed: {error.strerror or error}") from error
        self._done.removed.append(path)
        with contextlib.suppress(OSError):  # other files are in it
            for folder in path.parents:
                if folder == self._posts.folder:
                    break
                folder.rmdir()

    def save(self) -> None:
        """Stores which files were written and removed."""
        self._store.posts.record(self._key, self._changed)
        self._changed = {}

    def _note(self, uid: str, post: PostFile | None) -> None:
        self._changed[uid] = post
        if post is not None:
            self._taken.add(folder_key(post.path))
        if len(self._changed) >= _AT_ONCE:
            self.save()

    def _leave(self, uid: str, post: PostFile | None, why: str) -> None:
        self._done.notes.append(f"{self._posts.folder / self.known[uid].path}: {why}")
        self._note(uid, post)

    def _fail(self, error: WriteError) -> None:
        self._done.errors.append(error)
        self.failed = True

    def _place(self, item: Item, kept: StoredArticle) -> str:
        """Returns a path that no other file has, except a file of the same article from an earlier store."""
        for attempt in count():
            place = writer.path(item, self._posts, attempt)
            if folder_key(place) in self._taken:
                continue
            wanted = PostFile(
                path=place, body_hash="", mark="", source=kept.article.source, id=kept.article.id
            )
            if self._holds(wanted) != "another":
                return place
        raise AssertionError  # pragma: no cover

    def _path(self, place: str) -> Path:
        """Returns the full path. Raises WriteError if a symbolic link leads out of the folder."""
        path = self._posts.folder / place
        try:
            inside = path.parent.resolve().is_relative_to(self._posts.folder.resolve())
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise WriteError(f"{path}: it cannot be written: {error}") from error
        if not inside:
            raise WriteError(f"{path}: a symbolic link leads out of the folder of posts; remove it")
        return path

    def _holds(self, post: PostFile) -> str:
        """Returns which file is at this post's path: "nothing", "ours", or "another"."""
        path = self._path(post.path)
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return "nothing"
        except OSError as error:
            raise WriteError(f"{path}: it cannot be read: {error.strerror or error}") from error
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            return "another"
        body = self._body(path)
        if body is None:
            return "nothing"
        is_written = bool(post.body_hash) and (
            _hash(body).partition("-")[0] == post.body_hash.partition("-")[0] or self._is_cut(body)
        )
        return "ours" if is_written or _names(body, post) else "another"

    def _body(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise WriteError(f"{path}: it cannot be read: {error.strerror or error}") from error

    @staticmethod
    def _is_cut(body: bytes) -> bool:
        """Returns whether a file is empty, or its front matter has no end, as after a power cut."""
        text = body.rstrip(b"\0")
        return (
            not text.strip()
            or b"---\n".startswith(text)
            or (text.startswith(b"---\n") and b"\n---" not in text[3:])
        )


def _names(body: bytes, post: PostFile) -> bool:
    """Returns whether a file's front matter names the article of this post."""
    try:
        article = front_matter.loads(body)
    except FrontMatterError:
        return False
    return (article.source, article.id) == (post.source, post.id)


def _hash(body: bytes) -> str:
    """Returns a hash of the bytes of a file, followed by `-` and their number."""
    return f"{hashlib.blake2b(body, digest_size=16).hexdigest()}-{len(body)}"


def _size(post: PostFile) -> int:
    """Returns how many bytes were written; 1 if an earlier version did not record it."""
    return int(post.body_hash.partition("-")[2] or 1)
