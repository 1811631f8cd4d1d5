"""Articles as text: YAML, TOML or JSON front matter over a body."""
