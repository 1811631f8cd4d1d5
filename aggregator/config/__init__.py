"""TOML -> typed settings, and changes to the file that keep its comments."""
