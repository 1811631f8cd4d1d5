"""One file with a config and its store; made while a daemon runs, restored into an empty folder."""
