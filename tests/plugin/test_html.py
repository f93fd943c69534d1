"""`--diversity-report=html`, of whole runs."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_a_run_leaves_a_page(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """With the answers, also where workers have read them; nothing is drawn."""
    done = project.runpytest("--diversity-report=html:page.html", *workers)
    done.stdout.fnmatch_lines(["*html report: *page.html*"])
    page = (project.path / "page.html").read_text(encoding="utf-8")
    assert page.count('type="application/octet-stream"') == 5  # plots; two checkpoints, two domains
    assert len(page) < 2_000_000
    assert not (project.path / ".diversity").exists()
