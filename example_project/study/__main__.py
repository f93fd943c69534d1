"""`make study`: the tables of docs/study.md, from the shipped samples.

python -m example_project.study            # writes them into the page
python -m example_project.study --print    # prints them
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping

from example_project.study import families, temperature
from example_project.study.changes import Changes
from example_project.study.project import PROJECT, recorded
from example_project.study.verbalized import verbalized

PAGE = PROJECT.parent / "docs" / "study.md"
TABLES: Mapping[str, Callable[[Changes], str]] = {
    "resolved": families.resolved,
    "predictions": families.predictions,
    "families": families.by_family,
    "splits": families.splits,
    "average": families.averaged,
    "quality-blind": families.blind,
    "temperatures": temperature.temperatures,
    "equivalents": temperature.equivalents,
    "verbalized": verbalized,
}
_SECTION = re.compile(r"<!-- study: ([a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)


def render(page: str, changes: Changes) -> str:
    """The page with what stands between `<!-- study: NAME -->` and `<!-- end -->` made anew."""

    def section(found: re.Match[str]) -> str:
        return f"<!-- study: {found[1]} -->\n{TABLES[found[1]](changes)}\n<!-- end -->"

    return _SECTION.sub(section, page)


def main() -> None:
    """Write the tables, or print them."""
    changes = Changes(recorded())
    if "--print" in sys.argv[1:]:
        for name, table in TABLES.items():
            print(f"# {name}\n\n{table(changes)}\n", flush=True)
    else:
        PAGE.write_text(render(PAGE.read_text("utf-8"), changes), encoding="utf-8")
        print(f"study: the tables are in {PAGE.relative_to(PROJECT.parent)}")
    changes.close()


if __name__ == "__main__":
    main()
