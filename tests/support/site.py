"""Builds the documentation's site into .cache/site/html: `python -m tests.support.site`.

With `--pictures` a real Chromium shows some pages, as wide as a desk's and a phone's, light and dark, into .cache/site/pictures.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[2]
SITE = ROOT / ".cache" / "site"
#: What is a page, or what a page links to, where it lies in the repository.
PARTS = ("*.md", "LICENSE", "docs", "examples", "tests/README.md")
#: Pages that hold what is hard to show on a phone: wide tables, long lines, drawings.
LOOKED_AT = (*(f"docs/{name}" for name in ("start", "how-it-works", "tools", "reference", "errors", "comparison", "speed", "glossary", "security")), "index")
WIDTHS = {"desk": 1280, "phone": 390}
HEIGHT = 2400
#: Without these it looks for servers of its maker's.
CHROMIUM = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DARK = ("--blink-settings=preferredColorScheme=0",)


def build(root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Return how the builder ended; it fails on a link or an anchor that leads nowhere."""
    pages = root / ".cache" / "site" / "pages"
    shutil.rmtree(pages.parent, ignore_errors=True)
    for part in (part for pattern in PARTS for part in root.glob(pattern)):
        target = pages / part.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if part.is_dir():
            shutil.copytree(part, target)
        else:
            shutil.copyfile(part, target)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(root / "mkdocs.yml")]
    return subprocess.run(command, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def take_pictures() -> None:
    folder = SITE / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for page, (name, width), dark in product(LOOKED_AT, WIDTHS.items(), (False, True)):
        picture = folder / f"{page.replace('/', '-')}-{name}{'-dark' if dark else ''}.png"
        with tempfile.TemporaryDirectory() as profile:
            words = [f"--user-data-dir={profile}", f"--window-size={width},{HEIGHT}", f"--screenshot={picture}"]
            url = (SITE / "html" / f"{page}.html").as_uri()
            subprocess.run([*CHROMIUM, *(DARK if dark else ()), *words, url], check=True, capture_output=True, timeout=60)
        sys.stdout.write(f"{picture}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", action="store_true", help="show pages in Chromium (Debian's package chromium)")
    arguments = parser.parse_args()
    built = build()
    sys.stdout.write(built.stdout)
    if arguments.pictures and built.returncode == 0:
        take_pictures()
    return built.returncode


if __name__ == "__main__":
    sys.exit(main())
