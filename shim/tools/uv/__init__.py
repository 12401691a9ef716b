"""uv and uvx: their options, their configuration, and what a command of theirs will ask."""
