"""Logging in: what the sources `posit`, `oidc` and `ambient` have in common. Loaded only when no valid token is cached.

person.py      shows a URL and a code, opens a browser where there is one, counts down
device.py      the device authorization grant (RFC 8628), with a proof key (RFC 7636)
oauth.py       a provider's metadata, refresh, exchange and revocation of tokens
session.py     the tokens of a login, kept for all processes; one of them logs in, the others wait for it
ppm_file.py    the file of tokens that R and posit-keyring share with us
jwt.py         what a token says about itself, unchecked
"""
