"""Where each family of tools names its indexes, in its own order of precedence, built on formats/."""
