"""Folders of articles, as Hexo, Hugo and Jekyll sites keep posts."""

from __future__ import annotations

from aggregator.adapters.articles.document import KIND, read

__all__ = ["KIND", "read"]
