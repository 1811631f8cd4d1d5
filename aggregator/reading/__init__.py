"""Reads the bytes of a document, for every kind of source, in processes that can be killed."""
