"""Logging in: what the sources `posit`, `oidc` and `ambient` have in common. Loaded only when no
valid token is cached.

prompt.py              shows a URL and a code, opens a browser where there is one, counts down
device_flow.py         the device authorization grant (RFC 8628), with a proof key (RFC 7636)
token_endpoint.py      a provider's metadata, refresh, exchange and revocation of tokens
token_session.py       the tokens of a login, kept for all processes; one logs in, the others wait
posit_tokens_file.py   the file of tokens that R and posit-keyring share with us
posit_tokens_toml.py   the format of that file
"""
