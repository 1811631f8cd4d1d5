"""What is chosen: queries, and rules over the feeds that an article stands in. Pure: no store, no clock."""
