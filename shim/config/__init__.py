"""config.toml, its variables and root's policy: read, checked, merged and changed."""
