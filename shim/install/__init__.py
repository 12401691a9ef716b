"""What lies on disk and in shells: launchers, what activates them, completion and the manual."""
