"""What the tests are made of: real tools in real versions, real servers, a real keyring, and worlds without anything of the user's."""
