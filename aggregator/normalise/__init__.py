"""Entries -> articles, pure: text, dates, HTML, links, lead image, identity.

`entries.articles` does all of it; the other modules are single steps. Nothing is imported here: most of who
looks at an address needs no HTML sanitiser and no reader of Markdown, which take a tenth of a second.
"""
