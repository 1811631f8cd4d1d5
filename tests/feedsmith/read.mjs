// What feedsmith finds in feeds of ours. In: paths, one a line. Out: JSON, each path with its entries or an error.
import { readFileSync } from "node:fs";
import { parseFeed } from "feedsmith";

const texts = (list, pick) => (list ?? []).map(pick);
const linked = (links, rel) => (links ?? []).filter((link) => (link.rel ?? "alternate") === rel);

const readers = {
  rss: (feed) =>
    texts(feed.items, (item) => ({
      id: item.guid?.value,
      link: item.link,
      title: item.title,
      published: item.pubDate,
      authors: item.dc?.creators ?? [],
      categories: texts(item.categories, (category) => category.name),
      enclosures: texts(item.enclosures, ({ url, type, length }) => [url, type, length]),
    })),
  atom: (feed) =>
    texts(feed.entries, (entry) => ({
      id: entry.id,
      link: linked(entry.links, "alternate")[0]?.href,
      title: entry.title?.value,
      published: entry.published,
      updated: entry.updated,
      authors: texts(entry.authors, (author) => author.name),
      categories: texts(entry.categories, (category) => category.term),
      enclosures: linked(entry.links, "enclosure").map(({ href, type, length }) => [href, type, length]),
    })),
  json: (feed) =>
    texts(feed.items, (item) => ({
      id: item.id,
      link: item.url,
      title: item.title,
      published: item.date_published,
      updated: item.date_modified,
      authors: texts(item.authors, (author) => author.name),
      categories: item.tags ?? [],
      enclosures: texts(item.attachments, (a) => [a.url, a.mime_type, a.size_in_bytes]),
    })),
};

function read(path) {
  try {
    const { format, feed } = parseFeed(readFileSync(path, "utf8"));
    return readers[format](feed);
  } catch (error) {
    return { error: String(error) };
  }
}

const paths = readFileSync(0, "utf8").split("\n").filter(Boolean);
process.stdout.write(JSON.stringify(Object.fromEntries(paths.map((path) => [path, read(path)]))));
