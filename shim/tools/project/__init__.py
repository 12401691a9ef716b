"""Tools that work on a project and ask by a pip, a uv or an installer of their own."""
