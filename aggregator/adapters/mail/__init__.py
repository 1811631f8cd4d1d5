"""Newsletters: the messages of a mailbox."""
