"""Feeds of every dialect: RSS, RDF, Atom and JSON Feed."""
