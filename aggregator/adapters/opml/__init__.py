"""Subscription lists (OPML)."""
