"""What rules cost the first poll of a new store, an article, in processor time of the polling process.

    python -m benchmarks.first_poll --articles 25000 --rules 20

Feeds on disk, each of 25 entries of 3 KB, are polled by the main job with no rule and with so many, each time into a new
store. Articles are judged by the processes that read them; what that takes is in the time by the clock.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.app.app import App
from aggregator.app.main_job import RunWatcher, run_once
from aggregator.config.load import Config, checked
from benchmarks.choosing import WHEN
from benchmarks.saved_feeds import WORDS

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ENTRIES = 25


def document(number: int) -> bytes:
    """A feed of its own words."""
    chance = random.Random(number)
    items = ""
    for n in range(ENTRIES):
        paragraphs = (" ".join(chance.choices(WORDS, k=40)) for _ in range(8))
        text = "".join(f"&lt;p&gt;{each}, &lt;b&gt;the&lt;/b&gt; tea.&lt;/p&gt;" for each in paragraphs)
        items += (
            f"<item><guid>urn:{number}:{n}</guid><title>{' '.join(chance.choices(WORDS, k=7))}</title>"
            f"<link>https://s{number}.example/{n}</link><category>food</category>"
            f"<pubDate>{NOW - timedelta(minutes=15 * n):%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
            f"<description>{text}</description></item>"
        )
    return f"<rss version='2.0'><channel><title>s{number}</title>{items}</channel></rss>".encode()


def config_of(home: Path, sources: int, rules: int) -> Config:
    """A config with these feeds and so many rules, and a store of its own; stories are not looked for."""
    lines = [f'store = "{rules}.db"\noutput = "{rules}"', "[stories]\nfind = false"]
    lines += ['[publish]\nformats = ["atom"]']
    for n in range(rules):
        lines.append(f"[[rules]]\nname = '{n}'\nwhen = '''{WHEN[n % 10]}'''\nthen = {{ tag = ['t{n}'] }}")
    for n in range(sources):
        lines.append(
            f"[[sources]]\nname = 's{n}'\nurl = '{(home / f'{n}.xml').as_uri()}'\ncategories = ['c{n % 10}']"
        )
    return checked("\n".join(lines).encode(), home / "aggregator.toml", "config")


def polled(config: Config) -> tuple[float, float]:
    """Seconds by the clock, and of this process's processor time, until all is saved."""
    with App(config, NOW) as app:
        first, *others = config.sources
        run_once(app, [first], NOW, RunWatcher(), is_over=None)  # starts the processes that read
        began, started = time.monotonic(), time.process_time()
        for _ in app.fetch(others, NOW):
            pass
        return time.monotonic() - began, time.process_time() - started


def main() -> None:
    """Prints both, and the difference an article."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=25_000)
    parser.add_argument("--rules", type=int, default=20)
    options = parser.parse_args()
    sources = options.articles // ENTRIES + 1
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for n in range(sources):
            (home / f"{n}.xml").write_bytes(document(n))
        used = []
        for rules in (0, options.rules):
            wall, processor = polled(config_of(home, sources, rules))
            used.append(processor)
            print(
                f"{rules} rules: {wall:.1f} s by the clock, {processor:.1f} s of the polling process",
                flush=True,
            )
    print(f"more: {(used[1] - used[0]) / (options.articles or 1) * 1_000:.3f} ms an article")


if __name__ == "__main__":
    main()
