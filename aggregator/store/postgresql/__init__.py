"""The store in PostgreSQL: opens, locks and searches it; imported only if the store is one."""
