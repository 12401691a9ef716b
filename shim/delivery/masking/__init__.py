"""Secrets in the output of a command: whether they are masked, what they look like, and who stands
in between.
"""
