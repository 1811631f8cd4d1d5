"""The kind `articles`."""
