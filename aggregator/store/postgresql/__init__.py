"""A store in PostgreSQL: how that database is opened, locked and searched; imported only for one."""
