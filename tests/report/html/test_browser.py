"""The page in a real browser, with hostile names and samples: `make browser test-long`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pytest_diversity.report.html.page import write
from pytest_diversity.report.run import RunReport

pytestmark = pytest.mark.long

EVIL = '</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1">'
TALE = "the old lamp by the quiet river"
UNPACKED = Path(sys.prefix, "browser", "chromium")  # by `make browser`


def _executable() -> str:
    found = str(UNPACKED) if UNPACKED.exists() else shutil.which("chromium")
    if found is None:
        pytest.skip("no browser: run `make browser`")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    libraries = {"LD_LIBRARY_PATH": str(UNPACKED.parent / "al2023" / "lib")}
    with sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=_executable(), args=["--no-sandbox"], env={**os.environ, **libraries}
        )
        yield started
        started.close()


@pytest.fixture(params=["light", "dark"])
def page(
    request: pytest.FixtureRequest,
    browser: Browser,
    run: Callable[..., RunReport],
    tmp_path: Path,
) -> Iterator[Page]:
    """The page of a run in which everybody is hostile; nothing is said, asked for or run."""
    texts = (EVIL, f"{TALE} {EVIL}", f"{TALE} {EVIL}", f"{TALE} again")
    file = tmp_path / "page.html"
    file.write_text(write(run(f"dpo{EVIL}", f"tales{EVIL}", f"1{EVIL}", texts)), encoding="utf-8")
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 400, "height": 800}
    )
    opened = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(file.as_uri())
    opened.wait_for_selector("html[data-drawn]")
    yield opened
    assert opened.evaluate("typeof window.pwned") == "undefined"
    assert not said
    assert asked == [file.as_uri()]
    context.close()


def test_every_plot_is_drawn(page: Page) -> None:
    """Each as a picture with a name, within its width."""
    plots = page.locator(".plot")
    assert page.locator(".plot svg").count() == plots.count() > 5
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_prompts_are_sorted_by_keyboard(page: Page) -> None:
    """Enter on a head sorts by it, and once more the other way round; screen readers are told."""
    head = page.locator(".prompts th", has_text="syntactic")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    first = page.locator(".prompts tbody tr th").first.inner_text()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator(".prompts tbody tr th").first.inner_text() == "p3"
    assert first.startswith("1</script>")


def test_answers_are_opened_by_keyboard(page: Page) -> None:
    """Grouped by meaning, the same ones once, repeated phrases marked, the likest side by side."""
    button = page.locator("button.prompt").first
    button.focus()
    page.keyboard.press("Enter")
    answers = page.locator("td.samples .answers")
    answers.wait_for()
    assert button.get_attribute("aria-expanded") == "true"
    shown = answers.inner_text()
    assert "Meaning 1: 2 of 4 answers" in shown
    assert "Not valid: 1 of 4 answers" in shown
    assert "the old lamp by the quiet river" in answers.locator("mark").all_inner_texts()[0]
    assert answers.locator(".beside .answer").count() == 2
    assert EVIL in shown
    page.keyboard.press("Enter")
    assert page.locator("td.samples").count() == 0


def test_what_is_folded_opens_by_keyboard(page: Page) -> None:
    """As the table behind a plot."""
    folded = page.locator("details.more").first
    folded.locator("summary").focus()
    page.keyboard.press("Enter")
    assert folded.locator("table").is_visible()


def test_it_is_printed_with_its_tables(page: Page) -> None:
    """What is folded on the screen is open on paper."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.more:not([open])").count() == 0
    assert page.pdf()[:5] == b"%PDF-"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
