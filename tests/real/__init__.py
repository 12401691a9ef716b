"""The real shells, engines and neighbours."""
