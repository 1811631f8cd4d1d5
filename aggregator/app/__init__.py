"""The main job and the daemon, made of the other rooms."""
