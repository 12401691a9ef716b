"""What lies on disk and in shells: launchers, the texts that activate them, completion and the
manual.
"""
