"""One file for each version of the schema that PostgreSQL's stores have had."""
