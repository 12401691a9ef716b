"""Tools that upload, and what an upload asks."""
