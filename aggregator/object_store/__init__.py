"""The output in a bucket of an object store.

Uploads what changed, downloads what another machine uploaded.
"""
