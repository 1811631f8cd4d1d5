"""The recipes of deploy/."""
