"""The way in: a configuration, a test module and a CI file to begin with, written and explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_diversity.errors import ConfigError
from pytest_diversity.files import checkout_of, write_text

__all__ = ["FILES", "start"]

_TEMPLATES = Path(__file__).parent / "templates"
# Where each is written, and what it is written from.
FILES: Mapping[str, str] = {
    "diversity.toml": "diversity.toml",
    "test_diversity.py": "test_diversity.txt",  # no module of ours
    ".github/workflows/diversity.yml": "workflow.yml",
}


def start(folder: Path) -> Iterator[str]:
    """Write the files that are not there; the others are left alone.

    Args:
        folder: Made if it is not there.

    Yields:
        A line for each, as it was written or left.

    Raises:
        ConfigError: All of them are there, or one cannot be written.
    """
    missing = [name for name in FILES if not _is_there(folder / name)]
    if not missing:
        raise ConfigError(
            f"nothing was written: {folder} has {', '.join(FILES)} already",
            fix="name another folder: pytest --diversity-init FOLDER",
        )
    for name, template in FILES.items():
        if name not in missing:
            yield f"left alone: {name}, which is there"
            continue
        text = (_TEMPLATES / template).read_text(encoding="utf-8")
        fix = "name a folder that can be written to: pytest --diversity-init FOLDER"
        write_text(folder / name, text, ConfigError, fix=fix, parents=True)
        yield f"written: {name}"
    yield from _next(folder)


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _next(folder: Path) -> Iterator[str]:
    """What to do now."""
    home = checkout_of(folder)
    if home != folder:
        yield f"GitHub reads workflows of {home} alone: move .github there, and let it run in here"
    yield "next: name your model in diversity.toml, then pytest --diversity-doctor"
