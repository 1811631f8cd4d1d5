"""Lasting copies of the pictures and recordings that articles show, for those who read what is published."""
