"""Divides the work among processes on several machines, with Procrastinate and the PostgreSQL store."""
