"""May the command go? Each private index is asked, as the tool will, if it takes its credential."""
