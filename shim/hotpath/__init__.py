"""The way of a command that was seen before, and what becomes the real tool. Nothing here imports
`os`.
"""
