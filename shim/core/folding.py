"""Lines of ours, folded to the width of the terminal that shows them. What no terminal shows is
left alone: a program reads lines.

Imports nothing of ours.
"""

from __future__ import annotations

import os

#: The narrowest terminal that lines are folded for, and the widest line that reads well.
MIN_COLUMNS, MAX_COLUMNS = 40, 120


def fold(text: str, indent: str, descriptor: int, hanging: int | None = None) -> str:
    """Return lines of the text, indented, further ones by `hanging`; one if no width is known."""
    columns = _columns(descriptor)
    if columns is None:
        return f"{indent}{text}\n"
    import textwrap

    after = len(indent) + 2 if hanging is None or hanging > columns // 2 else hanging
    lines = textwrap.wrap(
        text,
        columns,
        initial_indent=indent,
        subsequent_indent=" " * after,
        break_long_words=False,  # a URL or a command stays one word
        break_on_hyphens=False,
    )
    return "".join(f"{line}\n" for line in lines) or "\n"


def fold_lines(text: str, descriptor: int, hanging: int) -> str:
    """Return each line of the text folded, with the indent that it has."""
    folded = []
    for line in text.splitlines():
        words = line.lstrip(" ")
        indent = line.removesuffix(words)
        folded.append(fold(words, indent, descriptor, max(hanging, len(indent) + 2)))
    return "".join(folded)


def _columns(descriptor: int) -> int | None:
    """Return the width to fold to, or None where nothing is a terminal, or its width is unknown."""
    if not os.isatty(descriptor):
        return None
    from shutil import get_terminal_size

    columns = get_terminal_size((0, 0)).columns
    return max(min(columns, MAX_COLUMNS), MIN_COLUMNS) if columns else None
