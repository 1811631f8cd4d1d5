"""Plain data that flows through the rooms: articles, entries, documents and resources."""
