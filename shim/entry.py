"""The first Python of ours in a wrapped command: `main` finds in sys.argv what the launcher said to
`start.py`, `SITE NAME TARGET SELF IGNORED ARGUMENTS...`

Its first act takes secrets out of the process list (`hotpath/argv_mask.py`). Then a record of the
same command, made before, is replayed if there is one; else the long way is gone. Holds no
knowledge of any tool and imports only what a bare interpreter has loaded already.

SITE is the folder with our dependencies (`@NUMBER` where all words are in a pipe), NAME the
launcher's name, TARGET the real tool, SELF the launcher's path, IGNORED is `1` if SIGPIPE was
ignored when the launcher started (this interpreter ignores it always, so only the launcher can
tell).
"""

import sys

#: Beginnings of words that may be a secret option: only then is the masking imported. A test holds
#: them to those that it knows.
SECRET_OPTIONS = ("--password", "--token", "--proxy", "-p", "-t")


def main() -> int:
    """Hide secrets, make our package and its dependencies importable, and go the long way."""
    if sys.argv[1].startswith("@"):
        from shim.hotpath.argv_mask import read_words

        sys.argv = read_words(int(sys.argv[1][1:]))
    elif any("://" in word or word.startswith(SECRET_OPTIONS) for word in sys.argv):
        from shim.hotpath.argv_mask import hide_secrets

        hide_secrets()
    site, name, target, launcher, ignored = sys.argv[1:6]
    arguments = sys.argv[6:]
    root = __file__.rpartition("/shim/")[0]
    sys.path.extend(folder for folder in (root, site) if folder not in sys.path)
    if name not in ("shim", "keyring"):
        from shim.hotpath.replay import replay

        replay(name, target, arguments, sigpipe_ignored=ignored == "1")
    try:
        from shim.hotpath.module_finder import install

        install()
    except ImportError:  # a Python that keeps its finder in other places: it goes on with that
        pass
    if name == "shim":
        from shim.cli import main as command

        return command(arguments, launcher)
    if name == "keyring":
        from shim.helpers.keyring import main as answer

        return answer(tuple(arguments), target, launcher)
    import gc

    # What is made here lives until the tool takes over.
    gc.disable()
    from shim.pipeline.run import main as run

    return run(name, target, tuple(arguments), launcher, sigpipe_ignored=ignored == "1")


if __name__ == "__main__":
    sys.exit(main())
