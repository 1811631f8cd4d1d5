"""Hubs that report changes of sources (WebSub): what was agreed with them, and what they sent."""
