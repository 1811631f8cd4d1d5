"""What MkDocs asks for while it builds the site: the reference, and what links lead to outside of docs/.

A link to a file of the repository that is no page of docs/ leads to a page that shows the file; one to a
folder, to a page that shows the files in it.

MkDocs passes all arguments by name, so each hook has all of them.
"""

# ruff: noqa: ARG001
from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from docs.building import commands, settings  # noqa: E402 (from this checkout)

LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]+)(?=[)#])")
REQUEST = re.compile(
    r"""<(?:(?:script|img|iframe|source)\b[^>]*\ssrc|link\b[^>]*\shref)=["']?(https?://[^"'\s>]+)"""
)
_FENCES = {
    ".md": "markdown",
    ".py": "python",
    ".toml": "toml",
    ".service": "ini",
    ".conf": "nginx",
    ".yml": "yaml",
}
_SHOWN: dict[str, Path] = {}
"""Pages that show something of the repository -> what they show."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages."""
    _SHOWN.clear()
    texts = {"reference/settings.md": settings.markdown(), "reference/commands.md": commands.markdown()}
    for file in files.documentation_pages():
        _found(Path(str(file.abs_src_path)))
    texts |= {name: _shown(name, place) for name, place in _SHOWN.items()}
    for name, text in texts.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links out of docs/ lead to the pages that show what is there."""
    place = Path(config.docs_dir) / page.file.src_uri
    return _relinked(markdown, place, page.file.src_uri) if place.exists() else markdown


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Nothing is requested from elsewhere: what lets the search work in files is ours (file_worker.js)."""
    shim = get_relative_url("building/file_worker.js", page.url)
    output = output.replace("https://unpkg.com/iframe-worker/shim", shim)
    if found := REQUEST.search(output):
        raise PluginError(f"{page.file.src_uri}: a browser would request {found[1]}; keep it in docs/")
    return output


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same for the page of what is not found, which has no search in files."""
    return output_content.replace('<script src="https://unpkg.com/iframe-worker/shim"></script>', "")


def _found(place: Path) -> None:
    """Remembers what a Markdown file links to, and what that links to in its turn."""
    for link in LINK.findall(place.read_text(encoding="utf-8")):
        target = Path(os.path.normpath(place.parent / link))
        if _is_shown(target) and (name := _page_of(target)) not in _SHOWN:
            _SHOWN[name] = target
            if (text := _text_of(target)) is not None:
                _found(text)


def _is_shown(target: Path) -> bool:
    """Whether it is in the repository, but no page or picture of docs/."""
    return target.exists() and target.is_relative_to(ROOT) and target != ROOT and not _is_ours(target)


def _text_of(target: Path) -> Path | None:
    """The Markdown that a page about a file or a folder begins with, None without."""
    text = target / "README.md" if target.is_dir() else target
    return text if text.suffix == ".md" and text.exists() else None


def _is_ours(target: Path) -> bool:
    """Whether it is a page or a picture of docs/."""
    docs = ROOT / "docs"
    return (
        target.is_relative_to(docs)
        and target.is_file()
        and not target.is_relative_to(docs / "example-package")
    )


def _page_of(target: Path) -> str:
    path = target.relative_to(ROOT).as_posix()
    return f"repository/{path.removesuffix('.md')}.md"


def _shown(name: str, place: Path) -> str:
    text = _text_of(place)
    if text is not None:
        parts = [_relinked(text.read_text(encoding="utf-8"), text, name)]
    else:
        parts = [f"# {place.relative_to(ROOT).as_posix()}\n"]
    if place.is_dir():
        files = [
            file for file in sorted(place.rglob("*")) if file.is_file() and _is_text(file) and file != text
        ]
        parts += [f"## {file.relative_to(place).as_posix()}\n\n{_fenced(file)}" for file in files]
    elif text is None:
        parts.append(_fenced(place))
    return "\n".join(parts)


def _is_text(file: Path) -> bool:
    return not any(
        part == "__pycache__" or part.endswith(".egg-info") for part in file.parts
    ) and b"\0" not in (file.read_bytes())


def _fenced(file: Path) -> str:
    fence, language = "`" * 6, _FENCES.get(file.suffix, "text")
    return f"{fence}{language}\n{file.read_text(encoding='utf-8', errors='replace').rstrip()}\n{fence}\n"


def _relinked(markdown: str, place: Path, source: str) -> str:
    def relinked(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(place.parent / match[1]))
        if not _is_ours(target) and not _is_shown(target):
            return match[0]
        name = target.relative_to(ROOT / "docs").as_posix() if _is_ours(target) else _page_of(target)
        return os.path.relpath(name, Path(source).parent)

    return LINK.sub(relinked, markdown)
