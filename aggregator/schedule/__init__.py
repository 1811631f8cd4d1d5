"""When to poll a source next, and why. Pure."""
