"""Copies of the pictures and recordings that articles show, published with the feeds."""
