"""The page in a real Chromium: Debian's, driven by Playwright."""

import shutil

import cv2
import pytest

from tests.sdk.colour_bundle import picture

pytest.importorskip("playwright", reason="needs pip install playwright")
pytest.importorskip("uvicorn", reason='the page needs pip install "isfp[web]"')
from playwright import sync_api

from tests.sdk.web.web_server import png, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
sync_api.expect.set_options(timeout=20_000)  # a machine may be busy with other tests
DESKTOP, PHONE = {"width": 1366, "height": 860}, {"width": 360, "height": 740}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt install chromium"),
]

# The 4 x 4 cells are 160 pixels wide, and start at -80 from the top.
RED, BLUE = (80, 120), (400, 320)  # x, y of a pixel of each
FRAME = picture(("red", (20, 100, 140, 220)), ("blue", (320, 240, 480, 400)), size=(480, 640))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "scene.png"
    path.write_bytes(png(FRAME))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium, with a camera that shows the scene."""
    film = tmp_path_factory.mktemp("camera") / "scene.y4m"
    planes = cv2.cvtColor(FRAME, cv2.COLOR_BGR2YUV_I420).tobytes()
    film.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + planes) * 3)
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *camera])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(colour_bundle):
    with serving(colour_bundle) as url:
        yield url


@pytest.fixture
def page(browser, url):
    """The page on a desktop; the test fails where a script fails or anything is asked of another server."""
    with browser.new_context(viewport=DESKTOP) as context:
        yield from opened(context, url)


@pytest.fixture
def phone(browser, url):
    with browser.new_context(viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True) as context:
        yield from opened(context, url)


def opened(context, url):
    page, faults = context.new_page(), []
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if not request.url.startswith((url, "data:", "blob:")) else None)
    page.goto(url)
    sync_api.expect(page.locator("#about")).to_contain_text("colour on onnxruntime")
    yield page
    assert faults == []


def says(page, selector, text):
    sync_api.expect(page.locator(selector)).to_contain_text(text)


def upload_and_type(page, scene, phrase):
    page.set_input_files("#file", scene)
    page.get_by_label("What to find").fill(phrase)


def pixel(page, canvas, place):
    return page.evaluate(
        "([id, [x, y]]) => [...document.getElementById(id).getContext('2d').getImageData(x, y, 1, 1).data]", [canvas, place]
    )


def pick(page, number):
    page.get_by_role("radio", name=f"Candidate {number}").check(force=True)


def test_upload_and_type_and_see_the_overlay(page, scene):
    upload_and_type(page, scene, "the blue thing")
    says(page, "#verdict", "Found, 1.00")
    says(page, "#details", "box 320, 240 to 480, 400")
    red, green, blue, _ = pixel(page, "picture", BLUE)
    assert red > 80  # blue was tinted with the mask's orange
    assert blue > 100
    assert pixel(page, "picture", RED) == [255, 0, 0, 255]
    assert sum(pixel(page, "map", BLUE)[:3]) > 3 * sum(pixel(page, "map", RED)[:3])  # the identifying map is bright there
    for step in ("letterbox", "text", "image", "identify", "mask", "total", "round trip"):
        says(page, "#times", step)
    says(page, "#cells", "4 × 4 cells, best 1.00")


def test_the_threshold_is_moved_without_asking_again(page, scene):
    upload_and_type(page, scene, "red")
    says(page, "#verdict", "Found")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Minimum score").fill("1")
    says(page, "#verdict", "Not there")
    says(page, "#level", "1.00")
    assert pixel(page, "picture", RED)[:3] != [255, 0, 0]  # faded
    page.get_by_role("button", name="reset").click()
    says(page, "#verdict", "Found")
    says(page, "#level", "0.50")
    assert asked == []


def test_what_is_not_there_is_said_and_a_candidate_can_be_looked_at(page, tmp_path):
    two = tmp_path / "two.png"
    two.write_bytes(png(picture(("red", (0, 80, 160, 240)), ("red", (480, 100, 640, 220)), size=(480, 640))))
    upload_and_type(page, two, "green")
    says(page, "#verdict", "Not there, 0.00")
    page.get_by_label("What to find").fill("red")
    says(page, "#verdict", "Found")
    assert page.get_by_role("radio").count() >= 2
    before = pixel(page, "picture", (560, 160))
    pick(page, 2)
    says(page, "#verdict", "Candidate")
    assert pixel(page, "picture", RED) == [255, 0, 0, 255]
    assert pixel(page, "picture", (560, 160)) != before


def test_without_a_phrase_the_picture_stands_alone_again(page, scene):
    upload_and_type(page, scene, "red")
    says(page, "#verdict", "Found")
    page.get_by_label("What to find").fill("")
    says(page, "#verdict", "No phrase yet")
    assert pixel(page, "picture", RED) == [255, 0, 0, 255]
    assert pixel(page, "map", RED) == [0, 0, 0, 0]
    assert page.get_by_role("radio").count() == 0


def test_words_that_the_model_does_not_know_are_named(page, scene):
    upload_and_type(page, scene, "the red zyzzyva")
    says(page, "#details", "unknown words: zyzzyva")


@pytest.mark.parametrize("content", [b"not a picture", png(FRAME)[:300], b""], ids=["text", "cut short", "empty"])
def test_a_bad_upload_is_answered_on_the_page_which_goes_on(page, scene, tmp_path, content):
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    page.set_input_files("#file", bad)
    says(page, "#error", "bad.png is not an image that this browser can show. Use JPEG, PNG or WebP.")
    upload_and_type(page, scene, "red")
    says(page, "#verdict", "Found")
    sync_api.expect(page.locator("#error")).to_be_hidden()


def test_what_the_server_refuses_is_said_on_the_page(page, scene):
    upload_and_type(page, scene, "?!")
    says(page, "#error", "has no words")
    page.get_by_label("What to find").fill("red")
    says(page, "#verdict", "Found")
    sync_api.expect(page.locator("#error")).to_be_hidden()


def test_a_phrase_without_a_picture_asks_for_one(page):
    page.get_by_label("What to find").fill("red")
    page.get_by_role("button", name="Find").click()
    says(page, "#error", "There is no image yet")


def test_a_server_that_went_away_is_said(browser, colour_bundle, scene):
    with serving(colour_bundle) as url, browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        upload_and_type(page, scene, "red")
        says(page, "#verdict", "Found")
        context.set_offline(True)
        page.get_by_label("What to find").fill("blue")
        says(page, "#error", "The server is not responding")


def test_a_large_photo_is_made_smaller_before_it_is_sent(page, tmp_path):
    photo = tmp_path / "photo.jpg"
    cv2.imwrite(str(photo), cv2.resize(FRAME, (4000, 3000), interpolation=cv2.INTER_NEAREST))
    upload_and_type(page, photo, "blue")
    says(page, "#verdict", "Found")
    assert page.evaluate("[document.getElementById('picture').width, document.getElementById('picture').height]") == [1280, 960]


#: The picture is drawn, and its frame has grown around it.
SETTLED = """() => {
    const [around, picture] = ["#drop", "#picture"].map((name) => document.querySelector(name).getBoundingClientRect());
    return picture.height > 0 && picture.bottom <= around.bottom + 1;
}"""


@pytest.mark.parametrize("size", [(1200, 400), (400, 1200)], ids=["tall", "wide"])
def test_a_picture_of_any_shape_is_seen_whole(page, phone, tmp_path, size):
    path = tmp_path / "picture.png"
    path.write_bytes(png(picture(("red", (100, 100, 300, 300)), size=size)))
    for window in (page, phone):
        window.set_input_files("#file", path)
        window.wait_for_function(SETTLED)
        around = window.locator("#drop").bounding_box()
        canvas = window.locator("#picture").bounding_box()
        assert around["x"] <= canvas["x"]
        assert around["y"] <= canvas["y"]
        assert canvas["x"] + canvas["width"] <= around["x"] + around["width"]
        assert canvas["y"] + canvas["height"] <= around["y"] + around["height"]


def test_the_live_camera_is_searched_and_its_last_frame_kept(page):
    page.get_by_label("What to find").fill("blue")
    page.get_by_role("button", name="Start camera").click()
    says(page, "#verdict", "Found")
    says(page, "#rate", "frames per second")
    assert pixel(page, "picture", BLUE)[0] > 80
    page.get_by_label("What to find").fill("green")  # the phrase may change while it runs
    says(page, "#verdict", "Not there")
    page.get_by_role("button", name="Stop and keep this frame").click()
    sync_api.expect(page.get_by_role("radio").first).to_be_visible()
    sync_api.expect(page.locator("#live")).to_be_hidden()


def test_the_keyboard_is_enough(page, scene):
    page.set_input_files("#file", scene)
    page.get_by_label("What to find").press_sequentially("red")
    page.keyboard.press("Enter")
    says(page, "#verdict", "Found")
    page.get_by_label("Minimum score").focus()
    page.keyboard.press("End")
    says(page, "#verdict", "Not there")


def test_on_a_phone_nothing_is_cut_off_and_a_finger_hits_every_button(phone, scene):
    upload_and_type(phone, scene, "red")
    says(phone, "#verdict", "Found")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    sync_api.expect(phone.get_by_text("Take photo")).to_be_visible()
    for button in phone.locator(".button:visible").all():
        assert button.bounding_box()["height"] >= 44
    top = phone.locator("#picture").bounding_box()["y"]
    assert phone.locator("#phrase").bounding_box()["y"] - top < PHONE["height"]  # picture and phrase on one screen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_before_and_after_an_answer(browser, url, scene, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs pip install axe-playwright-python").Axe()
    with browser.new_context(viewport=DESKTOP, color_scheme=scheme, bypass_csp=True) as context:  # axe is put into the page
        page = context.new_page()
        page.goto(url)
        assert_accessible(axe, page)
        upload_and_type(page, scene, "red")
        says(page, "#verdict", "Found")
        assert_accessible(axe, page)
        page.get_by_label("Minimum score").fill("1")
        page.set_input_files("#file", {"name": "bad.png", "mimeType": "image/png", "buffer": b"bad"})
        says(page, "#error", "is not an image")
        assert_accessible(axe, page)


def assert_accessible(axe, page):
    found = axe.run(page)
    assert found.response["passes"]
    assert found.response["violations"] == [], found.generate_report()
