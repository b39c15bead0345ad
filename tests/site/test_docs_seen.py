"""The docs site in a browser: what an analyst does with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from tests.browser import Browser
from tests.published import Site

# dbt's own page asks for pictures by names that it has not filled in yet; they are not there
DBTS_OWN = (
    "{{ getIcon(item.type, 'on') }}",
    "{{ getIcon(item.type, 'off') }}",
    "${require('./assets/favicons/favicon.ico')}",
)
MODEL = "model.zakaz.v_sales_latest"


def opened(browser: Browser, site: Site, page: str, shows: str) -> None:
    browser.open(f"{site.docs}#!/{page}", shows=shows)


def test_the_overview_has_links_that_lead_somewhere(
    browser: Browser, site: Site, screenshot: Callable[[str], None]
) -> None:
    opened(browser, site, "overview", "h1")
    screenshot("docs-overview")
    hrefs = browser.run(
        "[...document.querySelectorAll('.panel-body a, [marked] a')].map(a => a.href)"
    )
    inside = sorted({href for href in hrefs if href.startswith(site.url)})
    assert len(inside) > 4
    assert site.report in inside
    inside.remove(site.report)
    assert all(href.startswith(f"{site.docs}#!/") for href in inside), inside
    manifest = site.manifest()
    there = {**manifest["nodes"], **manifest["sources"], **manifest["exposures"]}
    for href in inside:
        browser.page.goto(href)
        kind, _, key = href.partition("#!/")[2].partition("/")
        if kind.startswith("overview"):
            browser.wait(lambda: browser.all("h1"), href)
            continue
        node = there[key]
        title = node.get("label") or node["name"]
        browser.wait(
            lambda title=title: any(title in h1.inner_text() for h1 in browser.all("h1")),
            f"{href}: {title}",
        )


def test_the_overview_leads_to_its_english_half(browser: Browser, site: Site) -> None:
    opened(browser, site, "overview", "h1")
    (link,) = (a for a in browser.all("a") if a.inner_text().startswith("English below"))
    link.click()
    (half,) = (h1 for h1 in browser.all("h1") if h1.inner_text() == "Ticket sales and what is left")
    browser.wait(lambda: 0 <= browser.run(TOP, half) < 200, "the English half in the window")
    (back,) = (a for a in browser.all("a") if a.inner_text().startswith("По-русски"))
    back.click()
    browser.wait(lambda: 0 <= browser.run(TOP, browser.one("h1")) < 200, "the Russian half")
    link.click()
    browser.wait(lambda: 0 <= browser.run(TOP, half) < 200, "the English half once more")


TOP = "element => element.getBoundingClientRect().top"


def test_a_model_page_shows_its_columns_and_what_they_mean(
    browser: Browser, site: Site, screenshot: Callable[[str], None]
) -> None:
    opened(browser, site, f"model/{MODEL}", "table tbody tr")
    screenshot("docs-model")
    model = site.manifest()["nodes"][MODEL]
    page = words(browser.one("body").inner_text())
    assert words(first_line(model["description"])) in page
    for name, column in model["columns"].items():
        assert name in page
        assert words(first_line(column["description"])) in page, name
    assert re.search("[а-яё]", model["description"])


def first_line(description: str) -> str:
    """Return the first sentence or so of a description, without what Markdown makes of it."""
    return re.split(r"[`*\[«\n]", description.strip())[0]


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_search_knows_russian(
    browser: Browser, site: Site, screenshot: Callable[[str], None]
) -> None:
    opened(browser, site, "overview", "input[type=search], input[placeholder]")
    browser.one("input[placeholder^=Search]").type("выручка")
    browser.wait(lambda: browser.all(".search-result"), "results for выручка")
    screenshot("docs-search")
    found = " ".join(result.inner_text() for result in browser.all(".search-result"))
    assert "fact_qtickets_sales_daily" in found
    assert "v_sales_14d" in found


def test_the_lineage_graph_opens(
    browser: Browser, site: Site, screenshot: Callable[[str], None]
) -> None:
    opened(browser, site, f"model/{MODEL}", "[ng-click='onLauncherClick()']")
    assert not drawn(browser)
    browser.one("[ng-click='onLauncherClick()']").click()
    browser.wait(lambda: drawn(browser), "a graph with something in it")
    screenshot("docs-lineage")


def drawn(browser: Browser) -> bool:
    """Say whether something is painted on a canvas that can be seen."""
    return bool(
        browser.run(
            """
            () => [...document.querySelectorAll('canvas')].some(canvas => {
                const box = canvas.getBoundingClientRect();
                if (!box.width || !canvas.width || !canvas.checkVisibility()) return false;
                const context = canvas.getContext('2d');
                return context && context.getImageData(0, 0, canvas.width, canvas.height)
                    .data.some(byte => byte);
            })
            """
        )
    )


def test_nothing_is_asked_of_the_network_and_the_console_is_quiet(
    browser: Browser, site: Site
) -> None:
    opened(browser, site, "overview", "h1")
    browser.page.goto(f"{site.docs}#!/model/{MODEL}")
    browser.wait(lambda: browser.all("table tbody tr"), "columns")
    own = {f"{site.url}/{name}" for name in DBTS_OWN}
    assert {unquote(url).partition("#")[0] for url in browser.asked_for()} <= {site.docs, *own}
    for error in map(unquote, browser.errors()):
        assert "404" in error, error
        assert any(error.startswith(url) for url in own), error


def test_no_secret_and_no_place_is_in_the_file(site: Site) -> None:
    text = (site.directory / "docs.html").read_text()
    assert str(site.place.path) not in text
    assert not re.search(r"chdb:|127\.0\.0\.1|CLICKHOUSE_(HOST|USER|PASSWORD)\W*[:=]", text)
