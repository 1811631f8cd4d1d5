"""Bytes -> Document: the one door to every kind of source, and the processes in which it is done."""
