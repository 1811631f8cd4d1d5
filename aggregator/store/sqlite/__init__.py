"""The store in a SQLite file: opens it, keeps it private and small, and searches it."""
