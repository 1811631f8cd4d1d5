"""What is sent to others: notices of articles and sources, and the outbox in which it waits."""
