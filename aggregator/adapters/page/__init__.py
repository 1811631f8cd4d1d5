"""Web pages: lists of entries, and pages of one article."""
