"""What changed in the store -> files of the output folder, and the hubs that are notified."""
