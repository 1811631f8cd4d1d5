"""The recipes without a server: the very steps of each, in clean folders, with the store lost."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from tests.conftest import Answer, Server
from tests.support.installed_command import command_in
from tests.support.site import feed

INTERVAL_SECONDS = 1
"""Of the sources: a run begins later than that after the one before, so that all are due."""

DEPLOY = Path(__file__).parents[2] / "deploy"
ATOM = "{http://www.w3.org/2005/Atom}"
RECIPES = ("github", "gitlab", "cron")
PIPELINES = ("github", "gitlab")


def workflow(recipe: str) -> dict[str, Any]:
    """The pipeline's file; YAML 1.1 reads the key `on` as true."""
    name = {"github": ".github/workflows/poll.yml", "gitlab": ".gitlab-ci.yml"}[recipe]
    parsed = yaml.safe_load((DEPLOY / recipe / name).read_text(encoding="utf-8"))
    assert isinstance(parsed, dict)
    return parsed


def commands(recipe: str) -> list[str]:
    """Returns what the pipeline runs, in its order, without the installation."""
    parsed = workflow(recipe)
    if recipe == "github":
        steps = [step["run"] for step in parsed["jobs"]["poll"]["steps"] if "run" in step]
    else:
        steps = parsed["pages"]["script"]
    assert steps[0] == "python -m pip install --quiet wheels/*.whl"
    return steps[1:]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


class Pipeline:
    """A repository made of a recipe; each run is in a new clone, with the cache of the run before or none."""

    def __init__(self, home: Path, recipe: str, server: Server) -> None:
        self.home, self.recipe, self.server = home, recipe, server
        self.remote, self.cache = home / "remote.git", home / "cache"
        self.runs = 0
        self.due = 0.0
        work = home / "work"
        shutil.copytree(DEPLOY / recipe, work)
        configure(work, server)
        git(home, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        git(work, "init", "--quiet", "--initial-branch=main")
        git(work, "add", "--all")
        git(work, "commit", "--quiet", "-m", "Template")
        git(work, "push", "--quiet", str(self.remote), "main")

    def run(self, *, keep: bool = True) -> tuple[Path, str]:
        """The pipeline's steps in a clean folder: where it was, and what it printed."""
        self.runs += 1
        time.sleep(max(self.due - time.monotonic(), 0))
        folder = self.home / f"run{self.runs}"
        git(self.home, "clone", "--quiet", "--branch", "main", f"file://{self.remote}", str(folder))
        if self.cache.exists():
            shutil.copytree(self.cache, folder / "var")
        variables = {"REMOTE": f"file://{self.remote}"} if self.recipe == "gitlab" else {}
        printed = "".join(execute(folder, command, **variables) for command in commands(self.recipe))
        self.due = time.monotonic() + 1.5 * INTERVAL_SECONDS
        if keep:
            shutil.rmtree(self.cache, ignore_errors=True)
            shutil.copytree(folder / "var", self.cache)
        return folder, printed

    def commits(self) -> int:
        return int(git(self.remote, "rev-list", "--count", "published"))


def configure(folder: Path, server: Server) -> None:
    """The recipe's own config, with sources on this machine, of which every poll is due."""
    file = folder / "config" / "aggregator.toml"
    text = file.read_text(encoding="utf-8")
    text = re.sub(r'url = "https://[^"]+/([^/"]+)"', rf'url = "{server.url}/\1"', text)
    text = re.sub(r'interval = "\dh"', f'interval = "{INTERVAL_SECONDS}s"\nentries_per_feed = 4', text)
    text = text.replace("categories = [", "adaptive = false\ncategories = [")
    text = text.replace("[fetch]", '[fetch]\nallow = ["127.0.0.1"]').replace(
        'url = ""', 'url = "https://p.example/"'
    )
    file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Steps find the command where they look for programs."""
    folder = tmp_path_factory.mktemp("installed") / "bin"
    with command_in(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder), prepend=os.pathsep)
        yield


def execute(folder: Path, command: str, **variables: str) -> str:
    """A step as the pipeline's shell runs it."""
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ids(folder: Path) -> dict[str, set[tuple[str, str]]]:
    """Of each feed with its archives: the ids and dates."""
    found: dict[str, set[tuple[str, str]]] = {}
    for path in sorted((folder / "feeds").rglob("atom.xml")):
        of_feed = found.setdefault(path.relative_to(folder / "feeds").parts[0], set())
        for entry in etree.parse(path).iter(f"{ATOM}entry"):
            of_feed.add((entry.findtext(f"{ATOM}id", ""), entry.findtext(f"{ATOM}published", "")))
    return found


def archives(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "feeds").rglob("*"))
        if path.is_file() and "archive" in path.relative_to(folder).as_posix()
    }


def serve(server: Server, newest: int) -> None:
    server.pages["/atom.xml"] = Answer(200, {}, feed("a", *range(max(1, newest - 9), newest + 1)))
    server.pages["/default"] = Answer(200, {}, feed("b", *range(1, 8)))


@pytest.mark.parametrize("recipe", PIPELINES)
def test_a_lost_cache_changes_no_id_and_no_archive(tmp_path: Path, server: Server, recipe: str) -> None:
    """First run, cache lost, cache kept, and a cache that is older than what was published."""
    serve(server, 12)
    pipeline = Pipeline(tmp_path, recipe, server)
    first, printed = pipeline.run()
    assert "rebuilt" not in printed
    assert pipeline.commits() == 1
    assert archives(first)
    if recipe == "gitlab":
        assert (first / "public" / "all" / "atom.xml").is_file()

    shutil.rmtree(pipeline.cache)
    second, printed = pipeline.run()
    assert "it is rebuilt" in printed
    assert ids(second) == ids(first)
    assert archives(second) == archives(first)

    commits = pipeline.commits()
    third, printed = pipeline.run()
    assert "rebuilt" not in printed
    assert "changed=false" in printed
    assert pipeline.commits() == commits
    assert ids(third) == ids(first)

    if recipe == "gitlab":  # the rest is the script's alone, and theirs is the same
        return
    # Newer articles are published, but the store with them is not kept.
    serve(server, 20)
    fourth, _ = pipeline.run(keep=False)
    assert pipeline.commits() == commits + 1
    serve(server, 26)
    fifth, printed = pipeline.run()
    assert "it is rebuilt" in printed
    assert len(ids(fourth)["all"]) > len(ids(first)["all"])
    assert len(ids(fifth)["all"]) > len(ids(fourth)["all"])
    for name, entries in ids(fourth).items():
        assert entries >= ids(first)[name]
        assert ids(fifth)[name] >= entries
    full = {name: body for name, body in archives(first).items() if "/archive/4/" not in name}
    assert len(full) >= 12
    assert archives(fifth).items() >= full.items()


def test_the_remote_is_never_overwritten(tmp_path: Path, server: Server) -> None:
    """Where the branch cannot be looked up, or a push is refused, the store is not used again."""
    serve(server, 12)
    pipeline = Pipeline(tmp_path, "github", server)
    folder, _ = pipeline.run()
    (folder / "seeds" / "second.md").write_text("---\ntitle: Two\ndate: 2026-01-06\n---\nText\n")
    hook = pipeline.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(AssertionError, match="pre-receive"):
        execute(folder, "./poll.sh")
    hook.unlink()
    assert "it is rebuilt" in execute(folder, "./poll.sh")
    assert pipeline.commits() == 2
    with pytest.raises(AssertionError, match="could not be looked up"):
        execute(folder, "./poll.sh", REMOTE=str(tmp_path / "nothing"))


def test_cron_polls_once_and_rebuilds_a_lost_store(tmp_path: Path, server: Server) -> None:
    """It is quiet unless something is wrong, and does nothing while another poll is at work."""
    serve(server, 12)
    folder = tmp_path / "planet"
    shutil.copytree(DEPLOY / "cron", folder)
    configure(folder, server)
    assert execute(folder, "./poll.sh") == ""
    before = ids(folder), archives(folder)
    assert before[1]
    shutil.rmtree(folder / "var")
    assert "it is rebuilt" in execute(folder, "./poll.sh")
    assert (ids(folder), archives(folder)) == before
    server.requests.clear()
    execute(folder, "exec 8>var/poll.lock; flock 8; ./poll.sh")
    assert server.requests == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_config_of_a_recipe_is_right(tmp_path: Path, recipe: str) -> None:
    """As it comes, without a change."""
    shutil.copytree(DEPLOY / recipe, tmp_path / recipe)
    execute(tmp_path / recipe, "aggregator check")


def test_github_and_gitlab_differ_in_their_pipelines_only() -> None:
    """What both have is one text."""
    shared = ("poll.sh", ".gitignore", "config/aggregator.toml", "seeds/first-note.md", "wheels/README.md")
    for name in shared:
        assert (DEPLOY / "github" / name).read_bytes() == (DEPLOY / "gitlab" / name).read_bytes(), name


def test_the_workflow_has_the_least_rights_and_pinned_actions() -> None:
    """Nothing by default; a job has what it does; major versions; an odd minute; one run at a time."""
    parsed = workflow("github")
    assert parsed["permissions"] == {}
    assert parsed["jobs"]["poll"]["permissions"] == {"contents": "write"}
    assert parsed["jobs"]["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert parsed["concurrency"] == {"group": "poll", "cancel-in-progress": False}
    triggers: dict[str, Any] = parsed[True]  # type: ignore[index]
    (minute, *_), *others = (each["cron"].split() for each in triggers["schedule"])
    assert not others
    assert int(minute) % 5
    for job in parsed["jobs"].values():
        assert job["timeout-minutes"] <= 10
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"actions/[a-z/-]+@v\d+", step.get("uses", "actions/none@v1"))
            assert "${{" not in step.get("run", "")
