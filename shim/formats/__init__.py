"""Leaf readers and writers of other people's formats, which never import each other."""
