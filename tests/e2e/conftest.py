"""A headless Chromium on a real server over a real gallery."""

import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from countenance.api.app import create_app
from countenance.api.patience import PatientProtocol
from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.model import LegalBasis
from countenance.web.page import page_router
from tests import signed_up

ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.blockedURI));
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let these tests use sockets: the browser is a process of its own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.enable_socket)


@dataclass(kw_only=True)
class Watched:
    """A page and what it did.

    Attributes:
        foreign: Addresses of another origin that it asked for.
        errors: Uncaught script errors.
    """

    page: Page
    address: str
    cookie: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def sign_in(self) -> Page:
        """Open the page as somebody who is signed in."""
        self.page.context.add_cookies([{"name": SESSION_COOKIE, "value": self.cookie, "url": self.address}])
        self.page.goto(self.address)
        self.page.locator("#sign-out").wait_for()
        return self.page


@contextmanager
def filled_gallery(home: Path, portraits: Mapping[str, Path]) -> Iterator[OpenGallery]:
    """Open a new gallery with three named subjects and one unnamed."""
    settings = Settings(home=home, max_image_bytes=8_000_000)
    initialise(settings)
    with open_gallery(settings) as opened:
        opened.sources.register(name="portraits", owner="Test bench", legal_basis=LegalBasis.LICENCE, document=b"l")
        people = (
            ("person_a_1.jpg", "ada.jpg", "Ada"),
            ("person_b_1.jpg", "bea.jpg", "Bea"),
            ("obama.jpg", "cy.jpg", "Cy"),
            ("biden.jpg", "street-17.jpg", None),
        )
        for name, called, subject in people:
            opened.enrol_photograph("portraits", portraits[name].read_bytes(), filename=called, subject=subject)
        signed_up.admitted(opened)
        yield opened


@contextmanager
def served(gallery: OpenGallery) -> Iterator[str]:
    """Serve a gallery with its web page on a free port of 127.0.0.1, and give the address."""
    app = create_app(gallery, pages=[page_router(max_image_bytes=gallery.settings.max_image_bytes)])
    config = uvicorn.Config(
        app, http=PatientProtocol, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium: the one that CHROMIUM names, or the one on the path."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


def side_by_side(photographs: Sequence[Path], path: Path) -> Path:
    """Make one photograph of several people out of photographs of one."""
    pictures = [Image.open(photograph).convert("RGB") for photograph in photographs]
    pictures = [picture.resize((picture.width * 600 // picture.height, 600)) for picture in pictures]
    group = Image.new("RGB", (sum(picture.width for picture in pictures), 600))
    left = 0
    for picture in pictures:
        group.paste(picture, (left, 0))
        left += picture.width
    group.save(path, quality=92)
    return path


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Iterator[OpenGallery]:
    with filled_gallery(tmp_path_factory.mktemp("home"), portraits) as opened:
        yield opened


@pytest.fixture(scope="session")
def address(gallery: OpenGallery) -> Iterator[str]:
    with served(gallery) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def watched(browser: Browser, address: str, gallery: OpenGallery, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """A fresh page; whatever a test does, it must stay on its origin, within its policy, and without script errors."""
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1280, "height": 900}}))
    context.set_default_timeout(15_000)
    context.add_init_script(WATCH_POLICY)
    seen = Watched(page=context.new_page(), address=address, cookie=signed_up.cookie(gallery))
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on(
        "request",
        lambda sent: None if sent.url.startswith((address, f"blob:{address}")) else seen.foreign.append(sent.url),
    )
    yield seen
    violations = seen.page.evaluate("window.violations")
    context.close()
    assert (seen.foreign, seen.errors, violations) == ([], [], [])


@pytest.fixture(scope="session")
def group_photograph(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Path:
    """Three portraits side by side."""
    names = ("person_a_2.jpg", "obama3.jpg", "person_b_2.jpg")
    return side_by_side([portraits[name] for name in names], tmp_path_factory.mktemp("group") / "group.jpg")
