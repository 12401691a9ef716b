"""Our own requests to servers: bounded, through the proxy that the user's programs take, with no
credential beyond its scope.
"""
