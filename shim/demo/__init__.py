"""What `shim demo` shows: a private index on loopback, small packages, and where a secret was and was not seen."""
