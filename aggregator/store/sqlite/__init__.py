"""A store in a file of SQLite's: how it is opened, kept private and small, and searched."""
