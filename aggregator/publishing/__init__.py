"""Changes in the store -> files of the output folder, and notifications of hubs."""
