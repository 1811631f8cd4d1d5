"""Polls of sources: fetch, read, store, and completing articles by their own pages."""
