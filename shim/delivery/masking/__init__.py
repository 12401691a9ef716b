"""Secrets in the output of a command: are they masked, how do they look, who stands in between?"""
