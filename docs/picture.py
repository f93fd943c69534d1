"""The picture of a red gate: `make picture` draws what the demo prints of one adapter's code.

The samples are those that are shipped, in place of the adapter that drew them.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs/images/red-gate.svg"
COLUMNS = 112
COMMAND = "pytest example_project/diversity.toml -k 'dpo-runnable and code'"
SHIPPED = [
    f"--diversity-checkpoint={name}=replay:samples/{name}.jsonl"
    for name in ("base", "dpo-runnable")
]
# rich names a font of another site, for which a picture must not ask.
FONTS = re.compile(r"@font-face \{[^}]*\}\s*")


def red_run() -> str:
    """What the run prints, with the terminal's colours."""
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", *shlex.split(COMMAND), *SHIPPED, "--color=yes", "-q", "--no-header"],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": str(COLUMNS)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 1:
        sys.exit(f"not a red run, but exit code {done.returncode}:\n{done.stdout}")
    return done.stdout


def main() -> None:
    """Write the picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(f"$ {COMMAND}\n{red_run()}"))
    drawn = console.export_svg(title="pytest-diversity", unique_id="gate")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(FONTS.sub("", drawn), encoding="utf-8")
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
