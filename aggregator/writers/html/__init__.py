"""The HTML pages: of feeds, of single articles, and of the whole site."""
