"""Entries -> articles, pure: text, dates, HTML, links, lead image, identity.

`entries.articles` does all of it; the other modules are single steps. Nothing is imported here: most code
that only handles addresses needs neither the HTML sanitiser nor the Markdown parser, whose import takes 0.1
s.
"""
