"""Where secrets are kept: the token cache, and what `shim login --store file` stored."""
