"""One file that holds a config and its store; made beside a running daemon, restored into an empty folder."""
