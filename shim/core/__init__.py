"""The values and rules that everything speaks in, and the world: model, URLs, the host, files."""
