"""A parsed uv command line, and the variables that stand in for its options.

Sources: uv 0.13.8 crates/uv-cli/src/lib.rs, uv-static/src/env_vars.rs; clap 4 `BoolishValueParser`,
`value_delimiter`.
"""

from __future__ import annotations

from shim.core.host import Host
from shim.core.model import Origin
from shim.core.typing import Iterator, NamedTuple
from shim.formats.optparse_scan import Word

#: Option -> the variables in its place: the first one that is not empty counts.
VARIABLES: dict[str, tuple[str, ...]] = {
    "build-constraints": ("UV_BUILD_CONSTRAINT",),
    "check-url": ("UV_PUBLISH_CHECK_URL",),
    "config-file": ("UV_CONFIG_FILE",),
    "constraints": ("UV_CONSTRAINT",),
    "default-index": ("UV_DEFAULT_INDEX",),
    "directory": ("UV_WORKING_DIR", "UV_WORKING_DIRECTORY"),
    "extra-index-url": ("UV_EXTRA_INDEX_URL",),
    "find-links": ("UV_FIND_LINKS",),
    "frozen": ("UV_FROZEN",),
    "index": ("UV_INDEX",),
    "index-url": ("UV_INDEX_URL",),
    "no-config": ("UV_NO_CONFIG",),
    "no-project": ("UV_NO_PROJECT",),
    "no-sync": ("UV_NO_SYNC",),
    "offline": ("UV_OFFLINE",),
    "overrides": ("UV_OVERRIDE",),
    "password": ("UV_PUBLISH_PASSWORD",),
    "project": ("UV_PROJECT",),
    "publish-index": ("UV_PUBLISH_INDEX",),
    "publish-url": ("UV_PUBLISH_URL",),
    "seed": ("UV_VENV_SEED",),
    "token": ("UV_PUBLISH_TOKEN",),
    "username": ("UV_PUBLISH_USERNAME",),
}

#: The first release that knows a variable, if it is not older than all that matter here.
FIRST_KNOWN: dict[str, tuple[int, ...]] = {
    "UV_NO_PROJECT": (0, 11, 8),
    "UV_PROJECT": (0, 6, 12),
    "UV_PUBLISH_INDEX": (0, 5, 8),
    "UV_VENV_SEED": (0, 5, 21),
    "UV_WORKING_DIR": (0, 9, 14),
    "UV_WORKING_DIRECTORY": (0, 9, 1),
}

#: Options whose value may be several, and what is between them: None stands for any white space.
SEPARATORS: dict[str, str | None] = {
    "index": None,
    "extra-index-url": " ",
    "find-links": ",",
    "with": ",",
    "with-requirements": ",",
}

#: The same for options that are given once for each value, but whose variable holds all of them.
VARIABLE_SEPARATORS: dict[str, str | None] = {
    "constraints": " ",
    "build-constraints": " ",
    "overrides": " ",
}

TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})


class Part(NamedTuple):
    """A value of argv or a variable: `text` begins at `start` of `key` (see `model.Location`)."""

    text: str
    key: int | str
    start: int

    @classmethod
    def of_word(cls, word: Word) -> Part:
        """Return what a word of argv says; a flag says nothing."""
        return cls(word.value or "", word.position, word.start)

    def origin(self, option: str) -> Origin:
        """Return where it was said, for people."""
        typed = isinstance(self.key, int)
        return Origin("argv", f"--{option}") if typed else Origin("env", str(self.key))


class UvCommand(NamedTuple):
    """The verb as words, options and arguments, and uv's release, None if unknown."""

    verb: tuple[str, ...]
    options: tuple[Word, ...]
    arguments: tuple[Word, ...]
    version: tuple[int, ...] | None = None

    def has(self, *names: str) -> bool:
        """Return whether one of the options is used."""
        return any(word.name in names for word in self.options)

    def is_on(self, name: str, host: Host) -> bool:
        """Return whether a switch is on: by the last of `--[no-]NAME`, else by its variable."""
        said = [word.name == name for word in self.options if word.name in (name, f"no-{name}")]
        if said:
            return said[-1]
        return any(part.text.lower() in TRUE for part in self._variables(name, host))

    def value(self, name: str, host: Host) -> str | None:
        """Return an option's last value, else its variable's; None for neither or empty."""
        part = self.last(name, host)
        return part.text if part else None

    def last(self, name: str, host: Host) -> Part | None:
        """Return the same with its place."""
        parts = [Part.of_word(word) for word in self.options if word.name == name]
        parts = parts or list(self._variables(name, host))[::-1]
        return next((part for part in reversed(parts) if part.text), None)

    def typed(self, name: str) -> Iterator[Part]:
        """Yield each value that argv gives for an option."""
        for word in self.options:
            if word.name == name:
                yield from _split(Part.of_word(word), name, SEPARATORS)

    def in_variables(self, name: str, host: Host) -> Iterator[Part]:
        """Yield each value that variables give, be they used or replaced by the option."""
        for part in self._variables(name, host):
            yield from _split(part, name, {**SEPARATORS, **VARIABLE_SEPARATORS})

    def _variables(self, name: str, host: Host) -> Iterator[Part]:
        """Yield the variables that this release takes for an option, in its order."""
        for variable in VARIABLES.get(name, ()):
            if self.version is None or self.version >= FIRST_KNOWN.get(variable, ()):
                yield Part(host.environ.get(variable, ""), variable, 0)

    def all(self, name: str, host: Host) -> list[Part]:
        """Return every value of an option: in argv it replaces its variable, even by nothing."""
        return list(self.typed(name) if self.has(name) else self.in_variables(name, host))


def _split(part: Part, name: str, separators: dict[str, str | None]) -> Iterator[Part]:
    """Yield the values in `part`, without white space around them and without empty ones."""
    texts = part.text.split(separators[name]) if name in separators else [part.text]
    position = 0
    for text in texts:
        position = part.text.index(text, position)
        value = text.strip() if name in separators else text
        if value:
            yield Part(value, part.key, part.start + position + text.index(value))
        position += len(text)
