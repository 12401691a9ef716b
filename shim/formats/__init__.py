"""Leaf readers and writers of other people's formats. They never import each other, nor anything
but values and errors.
"""
