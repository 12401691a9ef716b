"""May the command go? Each private index is asked whether it takes its credential, in the manner
that the tool will use.
"""
