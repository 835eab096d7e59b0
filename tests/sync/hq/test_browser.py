"""The operators' page in a real browser: an operator finds the shop that fell behind and what it sold."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from sync.hq_server import operators
from sync.hq_server.app import make_app
from sync.hq_server.hq import Hq
from tests.sync.hq.projection_kit import DATE, Sender, event, sale
from tests.sync.hq.served import served
from tests.sync.hq_kit import make_hq, sqlite_url

pytestmark = pytest.mark.slow
NASTY = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--lang=en",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
WIDTHS = (1_280, 768, 390)


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Hq]:
    """Three shops: one on time, one that holds four events back, one with a nasty name and a broken sale."""
    made = make_hq(sqlite_url(tmp_path))
    Sender(made, "S001", 1, "人民广场店").tell(event("sale", sale(5_00)))
    Sender(made, "S002", 2, "浦东机场店").tell(event("sale", sale(12_34)), event("sale", sale(1_00)), head=6)
    Sender(made, "S003", 3, NASTY).tell(event("sale", sale() | {"number": NASTY[:190], "total_fen": 7}))
    yield made
    made.database.close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[WebDriver]:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("chromium and chromium-driver are not installed")
    driver = open_browser(tmp_path / "profile")
    yield driver
    driver.quit()


def open_browser(profile: Path) -> WebDriver:
    """Chromium without a window, with a profile of its own."""
    options = Options()
    options.binary_location = str(shutil.which("chromium"))
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    return webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))


@pytest.fixture
def site(hq: Hq, browser: WebDriver) -> Iterator[str]:
    """The address, signed in through the form."""
    with hq.database.write() as connection:
        token = operators.make_token(connection, hq.ids, hq.clock.wall_ms())
    with served(make_app(hq)) as address:
        browser.get(address + "/?lang=en")
        browser.find_element(By.NAME, "token").send_keys(token)
        _follow(browser, browser.find_element(By.CSS_SELECTOR, "main button"))
        yield address


def _text(browser: WebDriver, css: str) -> str:
    return str(browser.find_element(By.CSS_SELECTOR, css).text)


def _follow(browser: WebDriver, element: WebElement) -> None:
    """Click, and wait for the page that comes."""
    element.click()
    WebDriverWait(browser, 60).until(staleness_of(element))


def _resize(browser: WebDriver, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)  # type: ignore[attr-defined]


def test_an_operator_follows_the_shop_that_fell_behind_to_its_day(site: str, browser: WebDriver) -> None:
    late = browser.find_element(By.CSS_SELECTOR, "tr.late")
    assert "浦东机场店" in late.text and "Behind" in late.text
    _follow(browser, late.find_element(By.CSS_SELECTOR, "td.head a"))
    assert "浦东机场店" in _text(browser, "h1")
    assert "4" in _text(browser, ".tile.warn dd")
    _follow(browser, browser.find_element(By.LINK_TEXT, DATE))
    assert browser.current_url == f"{site}/stores/S002/days/{DATE}"
    assert "13.34" in _text(browser, ".tiles")
    assert "12.34" in browser.find_elements(By.TAG_NAME, "table")[-1].text


def test_what_a_shop_is_called_is_text_and_runs_nowhere(site: str, browser: WebDriver) -> None:
    for path in ("/", "/stores/S003", "/exceptions"):
        browser.get(site + path)
        assert browser.title.endswith("Lanewise HQ")
        assert not browser.find_elements(By.CSS_SELECTOR, "main script, main img")
        assert "<script>" in _text(browser, "main"), path


def test_the_page_is_bilingual_and_remembers(site: str, browser: WebDriver) -> None:
    _follow(browser, browser.find_element(By.LINK_TEXT, "中文"))
    assert _text(browser, "h1") == "门店"
    browser.get(site + "/exceptions")
    assert _text(browser, "h1") == "待处理"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_every_width_in_both_themes(site: str, browser: WebDriver, theme: str) -> None:
    """Nothing sticks out sideways, and text stands out from its ground."""
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})  # type: ignore[attr-defined]
    for path in ("/", "/stores/S003", f"/stores/S002/days/{DATE}", "/exceptions", "/login"):
        for width in WIDTHS:
            _resize(browser, width)
            browser.get(site + path)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, (path, width)
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        is_dark = sum(map(int, ground.removeprefix("rgb(").removesuffix(")").split(","))) < 3 * 128
        assert is_dark == (theme == "dark")


def test_signing_out_closes_the_door(site: str, browser: WebDriver) -> None:
    _follow(browser, browser.find_element(By.CSS_SELECTOR, "header button"))
    browser.get(site + "/stores/S001")
    assert browser.current_url.startswith(f"{site}/login")
