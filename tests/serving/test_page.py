"""The page in a real browser: typed into, tapped, wrong, dark, narrow, by keyboard alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.serving.conftest import Start

from longhand.serving.served_model import ServedModel

# Without them a browser on a machine without a network keeps looking for its maker.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, wherever it is; see tests/LEDGER.md."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, client: httpx2.Client) -> Iterator[Page]:
    """The page after its first answer; a mistake in a script, or a request to anywhere else, fails the test."""
    yield from opened(browser, str(client.base_url))


def opened(browser: Browser, address: str, **settings: object) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce", **settings)  # type: ignore[arg-type]
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(address) else None)
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    yield page
    context.close()
    assert wrong == []


def ask(page: Page, equation: str) -> None:
    page.get_by_label("Ask it").fill(equation)
    page.get_by_label("Ask it").press("Enter")


def test_a_typed_equation_is_answered_token_by_token_and_on_paper(page: Page) -> None:
    ask(page, "908-19")
    expect(page.locator("#sum")).to_have_text(" 908\n− 19\n────\n 889", use_inner_text=True)
    expect(page.locator("#verdict")).to_have_text("✓ right")
    written = page.locator("#tokens button")
    expect(written).to_have_text(["9", "8", "8", "0", "<eos>"])
    written.first.click()
    expect(page.locator("#about")).to_contain_text("“9”: > 99.99 % sure. It looked mostly at “")
    assert page.locator("#arcs path").count() > 0


@pytest.mark.parametrize(
    ("typed", "said"), [("5-9", "5-9 is not among the problems"), ("hello", "it reads a+b or a-b")]
)
def test_what_the_model_is_not_asked_is_said_in_a_line(page: Page, typed: str, said: str) -> None:
    ask(page, typed)
    expect(page.get_by_role("alert")).to_contain_text(said)
    ask(page, "1+1")
    expect(page.get_by_role("alert")).to_have_text("")
    expect(page.locator("#sum")).to_contain_text("2")


def test_it_can_be_used_by_taps_and_by_keyboard_alone(page: Page) -> None:
    page.get_by_role("button", name="clear").click()
    for key in "7+8":
        page.get_by_role("group", name="Keys").get_by_role("button", name=key, exact=True).click()
    page.get_by_role("button", name="calculate").click()
    expect(page.locator("#sum")).to_contain_text("15")
    page.keyboard.press("Tab")
    page.locator("#tokens button[tabindex='0']").focus()
    page.keyboard.press("Home")
    expect(page.locator("#tokens button").first).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tokens button").nth(1)).to_have_attribute("aria-selected", "true")


def test_every_pair_of_digits_can_be_chosen(page: Page) -> None:
    expect(page.locator("figcaption").first).to_have_text("+: 100 of 100 right")
    expect(page.locator("figcaption").last).to_have_text("−: 55 of 55 right")
    page.get_by_role("button", name="6+7=13").click()
    expect(page.locator("#sum")).to_contain_text("13")


def test_it_is_dark_where_people_want_it_dark(browser: Browser, client: httpx2.Client) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        for page in opened(browser, str(client.base_url), color_scheme=scheme):
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_on_a_phone_nothing_runs_out_of_the_page(browser: Browser, client: httpx2.Client, tmp_path: Path) -> None:
    for page in opened(browser, str(client.base_url), viewport={"width": 360, "height": 740}):
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_model_that_shows_its_work_has_its_steps_laid_out(browser: Browser, start: Start) -> None:
    client = start(served=ServedModel.open("add-think-3"))
    for page in opened(browser, str(client.base_url)):
        ask(page, "658+189")
        expect(page.locator("#work li")).to_have_text(["8+9=17", "5+8+1=14", "6+1+1=8", "847"])


def test_a_proved_model_says_so(browser: Browser, start: Start) -> None:
    client = start(served=ServedModel.open("certified-add-3"))
    for page in opened(browser, str(client.base_url)):
        ask(page, "99999999999999999999+1")
        expect(page.locator("#verdict")).to_have_text("✓ right, and proved so for every problem of this kind")
        expect(page.locator("#hint")).to_have_text("a+b, with numbers of any length")


def test_where_a_key_is_wanted_it_can_be_given(browser: Browser, start: Start) -> None:
    client = start(keys=("open sesame",))
    for page in opened(browser, str(client.base_url)):
        expect(page.get_by_role("alert")).to_contain_text("A valid bearer key is needed")
        page.get_by_label("This server wants a key").fill("open sesame")
        page.get_by_label("This server wants a key").press("Tab")
        expect(page.locator("#verdict")).to_have_text("✓ right")
        expect(page.locator("figcaption").first).to_have_text("+: 100 of 100 right")


def test_the_page_may_load_nothing_from_elsewhere(client: httpx2.Client) -> None:
    for path in ("/", "/static/page.js", "/static/style.css", "/static/icon.svg"):
        response = client.get(path)
        assert response.status_code == 200
        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
    for path in ("/static/nothing.js", "/static/..%2fapp.py", "/static/%2e%2e/app.py"):
        assert client.get(path).status_code == 404
