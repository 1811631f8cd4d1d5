"""Work divided among processes on several machines, by Procrastinate over the PostgreSQL store."""
