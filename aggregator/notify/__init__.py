"""Messages to others: notices of articles and sources, and the outbox in which they wait."""
