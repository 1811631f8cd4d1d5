"""Chooses articles: queries, and rules that decide in which feeds an article is. Pure: no store, no clock."""
