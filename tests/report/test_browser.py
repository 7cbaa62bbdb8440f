"""The page in a real browser: nothing is fetched, nothing runs, light and dark can be read, keys reach everything."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from sharefind.report.page.html_page import page
from sharefind.report.text.run_samples import Samples
from sharefind.report.text.verdict import verdict
from sharefind.search import search_config

selenium = pytest.importorskip("selenium")
pytest.importorskip("matplotlib")

BROWSER, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.ci,
    pytest.mark.skipif(BROWSER is None or DRIVER is None, reason="needs chromium and chromedriver on the PATH"),
]

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""

CONTRASTS = """
const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const under = e => {
  for (; e; e = e.parentElement) {
    const c = parts(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c;
  }
  return [255, 255, 255];
};
const found = {};
for (const selector of arguments[0])
  for (const e of document.querySelectorAll(selector)) {
    const style = getComputedStyle(e), ink = parts(e.ownerSVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(under(e))].sort((x, y) => y - x);
    found[selector] = Math.min(found[selector] ?? 99, (a + 0.05) / (b + 0.05));
  }
return found;
"""
TEXTS = ("h1", "h2", "h3", "p", ".verdict", "li", "dt", "dd", "th", "td", "caption", "figcaption", "summary", "a")
TEXTS += ("code", "svg text")

FOCUS = """
const e = document.activeElement;
return [e.tagName.toLowerCase(), e.className.toString(), e.getAttribute("aria-label") || e.textContent.trim()];
"""


@pytest.fixture(scope="module")
def view(tested, changed) -> Any:
    """A run with everything in it, and more groups than a table shows at once."""
    view = tested()
    rows = view.result.to_json()["symmetries"]
    rows += [{**rows[0], "group": f"C2:<(0 {k})>"} for k in range(20)]
    return changed(view, symmetries=rows)


@pytest.fixture(scope="module")
def address(view, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(view, search_config(group="S3"), Samples("measured", "0123", 1000, (3, 3))), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, address: str) -> Any:
    """The page, loaded anew in a wide window."""
    _resize(browser, 1200)
    browser.get_log("performance")
    browser.get(address)
    return browser


def _resize(browser, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def test_it_shows_the_verdict_and_fetches_nothing(opened, view) -> None:
    shown = opened.find_element("id", "verdict")
    assert shown.is_displayed() and shown.text == verdict(view)
    assert opened.title == "measured, candidate S3: sharefind report"
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    sent = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert sent and {urlparse(url).scheme for url in sent} <= {"file", "data"}
    assert opened.get_log("browser") == []
    pictures = opened.find_elements("css selector", "svg")
    assert pictures and all(picture.size["height"] > 50 for picture in pictures)


def test_it_is_complete_without_scripts(opened, address: str) -> None:
    """What a screen reader is told, taken from the browser's accessibility tree while no script may run."""
    opened.execute_cdp_cmd("Accessibility.enable", {})
    opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened.get(address)
        nodes = opened.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    finally:
        opened.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    told = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]
    headings = [name for role, name in told if role == "heading"]
    expected = re.findall(r"<h[1-6][^>]*>(.*?)</h", Path(urlparse(address).path).read_text(encoding="utf-8"))
    assert headings == expected and len(headings) > 12
    images = [name for role, name in told if role in ("image", "img")]
    assert len(images) == 7 and all(name.startswith("Picture of ") for name in images)
    assert ("main", "") in told and ("navigation", "Contents") in told
    assert sum(role == "table" for role, _ in told) >= 3


@pytest.mark.parametrize("width", [360, 1200])
def test_light_and_dark_can_be_read_and_fit(opened, width: int) -> None:
    _resize(opened, width)
    grounds = set()
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        grounds.add(opened.execute_script("return getComputedStyle(document.documentElement).backgroundColor"))
        found = opened.execute_script(CONTRASTS, list(TEXTS))
        assert set(found) == set(TEXTS)
        assert {name: ratio for name, ratio in found.items() if ratio < LEAST_CONTRAST} == {}
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    assert len(grounds) == 2


def test_keys_reach_everything(opened) -> None:
    from selenium.webdriver.common.keys import Keys

    def press(key: str) -> list[str]:
        opened.switch_to.active_element.send_keys(key)
        return opened.execute_script(FOCUS)

    assert press(Keys.TAB) == ["a", "skip", "Skip to the result"]
    assert opened.execute_script("return document.activeElement.getBoundingClientRect().left") >= 0
    reached = [press(Keys.TAB) for _ in range(45)]
    scrolls = opened.find_elements("css selector", ".scroll, pre")
    labels = {e.get_attribute("aria-label") for e in scrolls if e.is_displayed()}
    assert labels and labels <= {label for _, _, label in reached}
    summaries = [label for tag, _, label in reached if tag == "summary"]
    assert summaries[0].startswith("23 candidate groups") and summaries[1:3] == ["Settings", "Versions"]
    opened.execute_script("document.querySelector('summary').focus()")
    press(Keys.ENTER)
    assert opened.execute_script("return document.querySelector('details').open") is True
    opened.execute_script("document.querySelector('.skip').focus()")
    assert press(Keys.ENTER)[0] == "section"


def test_paper_is_white_whatever_the_screen_is(opened) -> None:
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    ground = opened.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
    is_shown = opened.find_element("css selector", "nav").is_displayed()
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert (ground, is_shown) == ("rgb(255, 255, 255)", False)
