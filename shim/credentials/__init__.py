"""A credential for each endpoint: the token cache, else the sources in order."""
