"""The values and rules that everything speaks in, and the outside world: model, URLs, errors, the
host, files of other people.
"""
