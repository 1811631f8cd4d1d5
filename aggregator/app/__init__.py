"""The parts put together: the main job and the daemon."""
