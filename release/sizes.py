"""What each extra brings, and how much it weighs, in the environment that runs this."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

US = "pytest-diversity"


def brought(extra: str = "") -> dict[str, Distribution]:
    """The installed packages that we with one extra, or with none, ask for, by whatever way."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(US, ""), (US, extra)]
    while waiting:
        asked = waiting.pop()
        name, of = asked
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # of another platform, or of an extra that is not installed
            continue
        if asked not in seen:
            seen.add(asked)
            waiting.extend(_needs(found[name], of))
    return found


def _needs(one: Distribution, extra: str) -> Iterator[tuple[str, str]]:
    for need in map(Requirement, one.requires or ()):
        if need.marker is None or need.marker.evaluate({"extra": extra}):
            yield from ((canonicalize_name(need.name), of) for of in ("", *need.extras))


def size(one: Distribution) -> float:
    """Megabytes of its files, bytecode included, as its metadata lists them."""
    paths = (Path(str(file.locate())) for file in one.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


if __name__ == "__main__":
    core = brought()
    print(f"{sum(map(size, core.values())):8.1f} MB with no extra")
    for extra in metadata(US).get_all("Provides-Extra") or ():
        more = {name: one for name, one in brought(extra).items() if name not in core}
        weight = sum(map(size, more.values()))
        print(f"{weight:8.1f} MB more with [{extra}]: {', '.join(sorted(more)) or 'nothing'}")
    print("each:")
    for name, one in sorted(brought("all").items(), key=lambda item: -size(item[1])):
        print(f"{size(one):8.1f} MB {name} {one.version}")
