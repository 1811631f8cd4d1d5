"""Hubs that report changes of sources (WebSub): subscriptions, and the documents that they sent."""
