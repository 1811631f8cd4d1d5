"""The HTML pages: a category's, and the site's own."""
