"""pip: its options, its configuration, and what a command of it will ask."""
