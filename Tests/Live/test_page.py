# SPDX-License-Identifier: Apache-2.0
"""The page for people, in Chromium: what one sees, and what one can do with pointer and keyboard."""
import gzip
import hashlib
import io
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import requests
from playwright.sync_api import sync_playwright

from support.arrays import npy_bytes, npy_header
from support.browser import ARGUMENTS, CHROMIUM, Tab
from support.precomputed import write_raw
from support.process import ROOT, Server

OFFSET = (-70, 33, 6)
RESOLUTION = (8, 8, 40)


def intensities():
    """uint8, another value in most neighbours, so that a shift of one voxel shows."""
    x, y, z = np.ogrid[:150, :130, :40]
    return ((7 * x + 13 * y + 29 * z) % 251).astype(np.uint8)


def labels():
    """uint64 blocks of ids that differ in their lowest bits alone, beyond what a double can tell apart; and background."""
    x, y, z = np.ogrid[:96, :80, :64]
    block = (x // 12) + 8 * (y // 10) + 64 * (z // 8)
    return np.where(block % 11 == 0, 0, block.astype(np.uint64) + np.uint64(2**60)).astype(np.uint64)


EM, LABELS = intensities(), labels()
STAIN = np.stack([EM[:60, :50, :20], 255 - EM[:60, :50, :20], EM[60:120, :50, :20]], -1)
FIELD = np.linspace(-1e-3, 2e-3, 40 * 30 * 20, dtype=np.float32).reshape(40, 30, 20)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_raw(folder / "em", EM, resolution=RESOLUTION, voxel_offset=OFFSET)
    write_raw(folder / "labels", LABELS, kind="segmentation", resolution=(8, 8, 8))
    write_raw(folder / "stain", STAIN)
    write_raw(folder / "field", FIELD)
    config = f"""
data: {folder / "data"}
volumes:
  em: {{ source: "{folder / "em"}", factor: [2, 2, 1], mips: 3 }}
  labels: {{ source: "{folder / "labels"}", factor: [2, 2, 2], mips: 2 }}
  stain: {{ source: "{folder / "stain"}", factor: [2, 2, 1], mips: 1 }}
  field: {{ source: "{folder / "field"}", factor: [2, 2, 2], mips: 1 }}
  lost: {{ source: "{folder / "nowhere"}" }}
"""
    with Server(config=config) as server:
        yield server
        assert server.alive, server.log[-4000:]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser, site):
    """A page at the site; afterwards it must have been innocent."""
    tab = Tab(browser, site.url)
    yield tab
    tab.innocent()
    tab.close()


def tab_of(browser, site, **options):
    return Tab(browser, site.url, **options)


# The list


def test_opens_under_a_strict_policy(tab, site):
    page = tab.open()
    page.wait_for_selector(".card")
    for path in ["/", "/page/main.mjs", "/page/style.css"]:
        answer = requests.get(site.url + path, timeout=30)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        again = requests.get(site.url + path, timeout=30, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304 and again.content == b""
    assert requests.get(site.url + "/page/none.mjs", timeout=30).status_code == 404
    assert page.title() == "Pyramidion"


def test_cards_say_what_there_is(tab):
    page = tab.open()
    card = page.locator(".card[data-volume=em]")
    card.wait_for()
    text = card.inner_text()
    for words in ["image", "uint8", "150 × 130 × 40", "8 × 8 × 40 nm", "source", "not made yet"]:
        assert words in text
    assert card.locator(".pyramid li").count() == 4
    assert "segmentation" in page.locator(".card[data-volume=labels]").inner_text()
    lost = page.locator(".card[data-volume=lost]")
    assert "unavailable" in lost.inner_text() and lost.locator("a").count() == 0


def test_cards_show_previews(tab):
    page = tab.open()
    for name in ["em", "labels", "stain", "field"]:
        image = page.locator(f".card[data-volume={name}] img")
        image.scroll_into_view_if_needed()
        tab.until("name => document.querySelector(`.card[data-volume=${name}] img`).naturalWidth > 10", arg=name)


def test_status_line_shows_figures(tab):
    page = tab.open()
    tab.until("/requests [0-9,]+/.test(document.querySelector('#status').innerText)")
    line = page.locator("#status").inner_text()
    assert re.search(r"lanes\s+\d+ of \d+ busy", line) and re.search(r"memory\s+\S+\sB|memory\s+\S+\s.iB", line)


def test_a_card_leads_to_its_viewer_and_back(tab):
    page = tab.open()
    page.locator(".card[data-volume=labels] h3 a").click()
    tab.settled()
    assert page.locator("h1").inner_text() == "labels"
    page.locator(".home").click()
    page.wait_for_selector(".card")


# The viewer


def place(pane):
    """Axes to the right, down, and across of a pane."""
    return {"xy": (0, 1, 2), "xz": (0, 2, 1), "zy": (2, 1, 0)}[pane]


def voxel_under(pane, at, resolution, scale, size, column, row):
    """The voxel of mip 0 under the middle of a pixel of a pane, x, y, z, for a view at the middle of voxel `at`."""
    right, down, across = place(pane)
    found = [0, 0, 0]
    for axis, pixel, extent in [(right, column, size[0]), (down, row, size[1])]:
        nanometres = (at[axis] + 0.5) * resolution[axis] + (pixel + 0.5 - extent / 2) * scale
        found[axis] = int(np.floor(nanometres / resolution[axis]))
    found[across] = at[across]
    return found


def samples(pixels, dice, count=400):
    """Random pixels, without those that the crosshair and the scale bar may cover."""
    height, width = pixels.shape[:2]
    while count:
        column, row = dice.randrange(width), dice.randrange(height)
        if abs(column - width // 2) <= 1 or abs(row - height // 2) <= 1 or row > height - 40:
            continue
        count -= 1
        yield column, row


@pytest.mark.parametrize("pane", ["xy", "xz", "zy"])
def test_every_pixel_of_an_image_is_its_voxel(tab, dice, pane):
    at, scale = (3, 95, 25), 2.5
    tab.open_volume("em", f"at={','.join(map(str, at))}&scale={scale}&mip=0")
    pixels = tab.pixels(pane)
    greys = {}
    for column, row in samples(pixels, dice):
        voxel = voxel_under(pane, at, RESOLUTION, scale, pixels.shape[1::-1], column, row)
        index = tuple(v - o for v, o in zip(voxel, OFFSET))
        red, green, blue = map(int, pixels[row, column])
        if all(0 <= i < n for i, n in zip(index, EM.shape)):
            assert red == green == blue, "greys"
            greys.setdefault(int(EM[index]), set()).add(red)
        else:
            assert (red, green, blue) == (16, 18, 20), "outside of the volume"
    assert len(greys) > 20 and all(len(shown) == 1 for shown in greys.values()), "one value is one grey"
    rising = [shown.pop() for _, shown in sorted(greys.items())]
    assert rising == sorted(rising) and rising[0] < 10 and rising[-1] > 245


@pytest.mark.parametrize("pane", ["xy", "xz", "zy"])
def test_labels_have_stable_distinct_colours(tab, dice, pane):
    at, scale = (47, 40, 30), 1.75
    tab.open_volume("labels", f"at={','.join(map(str, at))}&scale={scale}&mip=0")
    pixels = tab.pixels(pane)
    colours = {}
    for column, row in samples(pixels, dice, 1500):
        voxel = voxel_under(pane, at, (8, 8, 8), scale, pixels.shape[1::-1], column, row)
        if all(0 <= i < n for i, n in zip(voxel, LABELS.shape)):
            colours.setdefault(int(LABELS[tuple(voxel)]), set()).add(tuple(map(int, pixels[row, column])))
    assert all(len(shown) == 1 for shown in colours.values()), "one label is one colour"
    shown = {label: colour.pop() for label, colour in colours.items()}
    assert shown.pop(0, (0, 0, 0)) == (0, 0, 0)
    assert len(shown) > 20 and len(set(shown.values())) == len(shown), "other labels are other colours"


def test_labels_look_as_in_previews(tab):
    at = (47, 40, 30)
    page = tab.open_volume("labels", f"at={','.join(map(str, at))}&scale=8&mip=0")
    preview = np.array(page.evaluate("""async () => {
      const picture = await createImageBitmap(await (await fetch("v1/volumes/labels/preview.png?mip=0&axis=z&at=30")).blob());
      const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
      canvas.drawImage(picture, 0, 0);
      const { data } = canvas.getImageData(0, 0, picture.width, picture.height);
      const pixel = (x, y) => [...data.subarray(4 * (y * picture.width + x)).subarray(0, 3)];
      const range = (n) => [...Array(n).keys()];
      return range(picture.height).map((y) => range(picture.width).map((x) => pixel(x, y)));
    }"""))
    assert preview.shape == (80, 96, 3)
    pixels = tab.pixels("xy")
    for column in range(pixels.shape[1] // 2 - 40, pixels.shape[1] // 2 - 2, 3):
        for row in range(pixels.shape[0] // 2 - 30, pixels.shape[0] // 2 - 2, 3):
            x, y, _ = voxel_under("xy", at, (8, 8, 8), 8, pixels.shape[1::-1], column, row)
            assert pixels[row, column].tolist() == preview[y, x].tolist()


def test_colour_images_are_shown_as_they_are(tab):
    at = (30, 25, 10)
    tab.open_volume("stain", f"at={','.join(map(str, at))}&scale=0.5&mip=0")
    pixels = tab.pixels("xy")
    for column in [20, 60, 100]:
        x, y, z = voxel_under("xy", at, (8, 8, 8), 0.5, pixels.shape[1::-1], column, 50)
        assert pixels[50, column].tolist() == STAIN[x, y, z].tolist()


def readout(page):
    """What the page says of the place under the pointer: its voxel of mip 0, the value, the mip of the value, its voxel there."""
    return page.evaluate("""() => {
      const value = document.querySelector(".readout .value");
      const numbers = (text) => text.split(",").map(Number);
      return [numbers(document.querySelector(".readout dd .figures").textContent), value.textContent, Number(value.dataset.mip), numbers(value.dataset.voxel)];
    }""")


@pytest.mark.parametrize("name, array, offset", [("em", EM, OFFSET), ("labels", LABELS, (0, 0, 0)), ("field", FIELD, (0, 0, 0))])
def test_value_under_the_pointer(tab, name, array, offset):
    page = tab.open_volume(name, "mip=0")
    for pane in ["xy", "xz", "zy"]:
        canvas = page.locator(f".pane-{pane} canvas")
        box = canvas.bounding_box()
        seen = set()
        for share in [0.45, 0.5, 0.56]:
            page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * (share + 0.04))
            at, value, mip, voxel = readout(page)
            assert mip == 0 and at == voxel
            expected = array[tuple(a - o for a, o in zip(at, offset))]
            assert float(value) == pytest.approx(float(expected), rel=1e-5, abs=1e-12) if array.dtype.kind == "f" else int(value) == expected
            seen.add(tuple(at))
        assert len(seen) == 3, "the readout follows the pointer"


def cutout(site, name, mip, voxel):
    box = "_".join(f"{v}-{v + 1}" for v in voxel)
    return requests.get(f"{site.url}/v1/volumes/{name}/cutout?mip={mip}&bbox={box}&format=raw", timeout=30).content


def test_mip_slider_chooses_a_level(tab, site):
    page = tab.open_volume("em")
    slider = page.get_by_role("slider", name="Mip")
    for mip in [3, 1, 2]:
        slider.fill(str(mip))
        tab.settled(f"[data-mip='{mip}']")
        assert page.locator("tr[aria-current] th").inner_text() == str(mip)
        box = page.locator(".pane-xy canvas").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.52, box["y"] + box["height"] * 0.47)
        at, value, shown, voxel = readout(page)
        assert shown == mip and voxel == [at[0] // 2**mip, at[1] // 2**mip, at[2]]
        assert int(value) == cutout(site, "em", mip, voxel)[0]
    page.get_by_label("by zoom").check()
    tab.until("document.querySelector('.viewer').dataset.mip === '0'")


def test_wheel_zooms_through_the_mips(tab):
    page = tab.open_volume("em", "scale=4")
    assert page.locator(".viewer").get_attribute("data-mip") == "0"
    box = page.locator(".pane-xy canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6)
    before = readout(page)[0]
    page.mouse.wheel(0, -240)
    tab.until("Number(new URLSearchParams(location.hash.split('?')[1]).get('scale')) < 4")
    after = readout(page)[0]
    assert all(abs(a - b) <= 1 for a, b in zip(before, after)), "what is under the pointer stays there"
    seen = []
    for mip in [1, 2, 3]:
        while int(page.locator(".viewer").get_attribute("data-mip")) < mip:
            scale = page.evaluate("location.hash")
            page.mouse.wheel(0, 120)
            tab.until("before => location.hash !== before", arg=scale)
        seen.append(page.locator(".viewer").get_attribute("data-mip"))
        tab.settled()
    assert seen == ["1", "2", "3"]


def test_level_by_zoom_is_neuroglancers(tab):
    """The coarsest level whose voxels are at most 1.1 pixels, or no longer than those of mip 0."""
    page = tab.page
    for scale, mip in [(4, 0), (14, 0), (15, 1), (29, 1), (30, 2), (58, 2), (59, 3), (500, 3)]:
        tab.open("#/")
        page.wait_for_selector(".card")
        tab.open_volume("em", f"scale={scale}")
        assert page.locator(".viewer").get_attribute("data-mip") == str(mip), scale


def test_drag_pans(tab):
    page = tab.open_volume("em", "at=0,100,20&scale=4")
    box = page.locator(".pane-xz canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y + 30, steps=4)
    page.mouse.up()
    # 40 pixels of 4 nm are 20 voxels of 8 nm; 30 are 3 of 40 nm.
    tab.until("location.hash.includes('at=20,100,17')")


def test_keys_move_zoom_and_step(tab):
    page = tab.open_volume("em", "at=0,100,20&scale=4")
    page.locator(".pane-xy canvas").focus()
    for key, hash in [("ArrowRight", "at=20,100,20"), ("ArrowUp", "at=20,80,20"), (".", "at=20,80,21"), (",", "at=20,80,20"),
                      ("PageDown", "at=20,80,30"), ("+", "scale=3.2"), ("-", "scale=4")]:
        page.keyboard.press(key)
        tab.until("hash => location.hash.includes(hash)", arg=hash)
    value = page.locator(".readout .value").inner_text()
    assert int(value) == EM[20 - OFFSET[0], 80 - OFFSET[1], 30 - OFFSET[2]], "the value at the crosshair"


def test_everything_is_reached_with_the_tab_key(tab):
    page = tab.open_volume("em")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("""() => { const e = document.activeElement;
          return e.tagName === "CANVAS" ? e.closest(".pane").className : e.ariaLabel ?? e.textContent.trim().slice(0, 20) }"""))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or page.evaluate("document.activeElement === document.body"), "the focus is seen"
    assert {"pane pane-xy", "pane pane-xz", "pane pane-zy", "Mip", "Auto", "curl", "Copy", "Open in Neuroglancer"} <= reached


def test_sliders_of_the_planes(tab):
    page = tab.open_volume("em", "at=0,100,20&scale=4")
    page.get_by_role("slider", name="z of the xy slice").fill("33")
    tab.until("location.hash.includes('at=0,100,33')")
    page.get_by_role("spinbutton", name="x, in voxels of mip 0").fill("-50")
    tab.until("location.hash.includes('at=-50,100,33')")


def test_window_sliders_change_the_greys(tab):
    page = tab.open_volume("em", "at=3,95,25&scale=4&mip=0")
    before = tab.pixels("xy")
    page.get_by_role("slider", name="value shown white").fill("60")
    tab.until("document.querySelector('.window output').textContent.endsWith('60')")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert tab.pixels("xy").mean() > before.mean() + 20
    page.get_by_role("button", name="Auto").click()
    tab.until("!document.querySelector('.window output').textContent.endsWith('60')")


def test_overloaded_service_is_asked_again(browser, site):
    tab = tab_of(browser, site)
    tab.forgiven = ("503",)
    refused = []

    def overload(route):
        if len(refused) < 3:
            refused.append(route.request.url)
            problem = {"type": "about:blank", "title": "busy", "status": 503, "detail": "All lanes are taken."}
            route.fulfill(status=503, content_type="application/problem+json", body=json.dumps(problem))
        else:
            route.continue_()

    tab.page.route("**/cutout?*", overload)
    tab.open_volume("em")
    assert len(refused) == 3 and tab.page.locator(".viewer").get_attribute("data-failed") == "0"
    tab.innocent()
    tab.close()


def test_refused_tiles_are_named(browser, site):
    tab = tab_of(browser, site)
    tab.forgiven = ("502",)
    problem = {"type": "about:blank", "title": "bad", "status": 502, "detail": "The source sent <b>nonsense</b>."}
    tab.page.route("**/cutout?*", lambda route: route.fulfill(
        status=502, content_type="application/problem+json", body=json.dumps(problem)))
    tab.open_volume("em")
    assert "The source sent <b>nonsense</b>." in tab.page.locator(".side .note").inner_text()
    tab.innocent()
    tab.close()


def test_volume_that_is_not_there(browser, site):
    tab = tab_of(browser, site)
    tab.forgiven = ("404",)
    page = tab.open("#/nothing")
    page.wait_for_selector("[role=alert]")
    assert "nothing" in page.locator("[role=alert]").inner_text()
    tab.innocent()
    tab.close()


# Elsewhere


def test_lines_for_curl_and_tensorstore_are_right(tab):
    page = tab.open_volume("em", "at=0,100,20&scale=4")
    code = page.locator(".snippets code")
    tab.until("document.querySelector('.snippets code').textContent.includes('bbox=-32-32_68-132_6-46')")
    address = re.search(r"'(http[^']+bbox[^']+)'", code.inner_text())[1]
    answer = requests.get(address, timeout=30)
    box = EM[38:102, 35:99, 0:40]
    assert np.array_equal(np.load(io.BytesIO(answer.content)), box)
    page.get_by_role("button", name="TensorStore").click()
    found = {}
    exec(code.inner_text(), found)
    assert np.array_equal(np.squeeze(found["box"]), box)


def test_link_into_neuroglancer_opens_the_same_place(tab):
    page = tab.open_volume("em", "at=0,100,20&scale=4")
    tab.until("document.querySelector('.actions a').href.includes('position')")
    link = page.locator(".actions a").get_attribute("href")
    state = json.loads(unquote(link.split("#!", 1)[1]))
    assert state["layers"][0]["source"] == f"precomputed://{tab.site}/precomputed/em"
    assert state["position"] == [0.5, 100.5, 20.5] and state["crossSectionScale"] == 0.5


# Bringing an array


def chunk():
    return np.asfortranarray(EM[:100, :90, :32])


def await_levels(page, mips):
    for mip in mips:
        page.wait_for_selector(f".figures-row li[data-mip='{mip}']")


def test_dropped_array_becomes_a_pyramid(tab):
    page = tab.open()
    page.wait_for_selector(".zone")
    data = page.evaluate_handle("""bytes => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(bytes)], "Some Chunk.npy"));
      return transfer;
    }""", list(npy_bytes(chunk())))
    page.dispatch_event(".zone", "drop", {"dataTransfer": data})
    await_levels(page, [0, 1, 2])
    tab.until("document.querySelector('.drop .note').textContent.includes('2 levels made by average')")
    rows = page.locator(".figures-row li")
    assert [rows.nth(i).inner_text().split("\n")[0] for i in range(3)] == [
        "mip 0 100 × 90 × 32 281\u00a0KiB", "mip 1 50 × 45 × 16 35.2\u00a0KiB", "mip 2 25 × 23 × 8 4.49\u00a0KiB"]
    assert page.evaluate("document.querySelector('.figures-row li:last-child canvas').width") == 25
    assert page.locator(".keep input").first.input_value() == "some-chunk"


def test_labels_are_reduced_by_mode(tab):
    page = tab.open()
    page.set_input_files("#file", {"name": "ids.npy", "mimeType": "", "buffer": npy_bytes(np.asfortranarray(LABELS))})
    await_levels(page, [0, 1])
    tab.until("document.querySelector('.drop .note').textContent.includes('made by mode')")


def test_compressed_array(tab):
    page = tab.open()
    page.set_input_files("#file", {"name": "c.npy.gz", "mimeType": "", "buffer": gzip.compress(npy_bytes(chunk()))})
    await_levels(page, [1, 2])
    assert "uint8, 100 × 90 × 32" in page.locator(".what").inner_text()


def test_raw_voxels_need_their_shape(tab):
    page = tab.open()
    page.set_input_files("#file", {"name": "c.raw", "mimeType": "", "buffer": chunk().tobytes(order="F")})
    page.get_by_label("shape x,y,z").fill("100,90,31")
    page.get_by_role("button", name="Make pyramid").click()
    tab.until("document.querySelector('.drop .note').textContent.includes('the file has 288,000 bytes')")
    page.get_by_label("shape x,y,z").fill("100,90,32")
    page.get_by_role("spinbutton", name="mips").fill("2")
    page.get_by_role("button", name="Make pyramid").click()
    await_levels(page, [0, 1, 2])


def test_file_that_is_no_array(tab):
    page = tab.open()
    page.set_input_files("#file", {"name": "c.npy", "mimeType": "", "buffer": b"<script>alert(1)</script>" * 9})
    tab.until("document.querySelector('.drop .note').textContent === 'c.npy: It is no .npy file.'")


def test_pyramid_is_kept_as_a_volume(tab, site):
    page = tab.open()
    array = chunk()
    page.set_input_files("#file", {"name": "kept.npy", "mimeType": "", "buffer": npy_bytes(array)})
    await_levels(page, [1, 2])
    page.get_by_label("voxel x,y,z in nm").fill("4,4,30")
    page.get_by_role("button", name="Keep as a volume").click()
    tab.settled()
    assert page.locator("h1").inner_text() == "kept"
    volume = requests.get(f"{site.url}/v1/volumes/kept", timeout=30).json()
    assert volume["origin"] == "upload" and volume["resolution"] == [4, 4, 30] and volume["shape"] == list(array.shape)
    assert int(page.locator(".readout .value").inner_text()) == array[50, 45, 16]
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.wait_for_selector(".cards")
    tab.until("!document.querySelector('.card[data-volume=kept]')")
    assert requests.get(f"{site.url}/v1/volumes/kept", timeout=30).status_code == 404


def test_name_that_is_taken(browser, site):
    tab = tab_of(browser, site)
    tab.forgiven = ("409",)
    page = tab.open()
    page.set_input_files("#file", {"name": "em.npy", "mimeType": "", "buffer": npy_bytes(chunk())})
    await_levels(page, [1])
    page.get_by_role("button", name="Keep as a volume").click()
    page.wait_for_selector(".keep .note.bad")
    tab.innocent()
    tab.close()


READER = ROOT / "Sources/CPage/web/npy.mjs"


def read_by_page(content, size):
    command = ["node", Path(__file__).with_name("page_arrays.mjs"), READER, str(size)]
    return json.loads(subprocess.run(command, input=content, capture_output=True, check=True, timeout=60).stdout)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
def test_arrays_are_read_however_the_stream_is_cut(size):
    arrays = [np.asfortranarray(EM[:5, :4, :3]), np.zeros((3, 0, 2), np.float32), LABELS[:2, :3], np.arange(7, dtype=np.int64), np.array(2.5)]
    answer = read_by_page(b"".join(npy_bytes(array) for array in arrays), size)
    assert "refusal" not in answer, answer
    for array, found in zip(arrays, answer["found"], strict=True):
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        assert (found["dtype"], found["shape"]) == (array.dtype.name, list(array.shape))
        assert found["sha256"] == hashlib.sha256(array.tobytes(order=order)).hexdigest()


@pytest.mark.parametrize("content, refusal", [
    (b"PK\x03\x04" + bytes(60), "It is no .npy file."),
    (npy_bytes(EM)[:-1], "The answer ended within an array."),
    (npy_bytes(EM)[:40], "The answer ended within an array."),
    (npy_header("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }") + b"ab", "Its voxels are neither integers nor float32 or float64."),
    (npy_header("{'descr': [('a', '<u1')], 'fortran_order': False, 'shape': (1,), }"), "Its voxels are neither integers nor float32 or float64."),
    (npy_header("{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999, 9999999999), }"), "Its shape is too large."),
    (npy_header("nonsense"), "Its .npy header cannot be read."),
    (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(9), "Its .npy header is too long."),
])
def test_arrays_that_cannot_be_read(content, refusal):
    assert read_by_page(content, 16)["refusal"] == refusal


# Looks


def test_status_line_lies_at_the_foot(browser, site):
    tab = tab_of(browser, site, height=1600)
    page = tab.open()
    page.wait_for_selector(".card")
    tab.until("document.querySelector('#status').innerText.includes('lanes')")
    box = page.locator("#status").bounding_box()
    assert box["y"] + box["height"] == 1600 and box["height"] < 50
    tab.innocent()
    tab.close()


CONTRASTS = """() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest("noscript")) continue;
    const [a, b] = [light(numbers(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) poor.push(`${e.tagName}.${e.className} "${e.textContent.slice(0, 20)}" ${contrast.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_is_legible(browser, site, scheme):
    tab = tab_of(browser, site, scheme=scheme)
    page = tab.open()
    page.wait_for_selector(".card")
    tab.until("document.querySelector('#status').innerText.includes('lanes')")
    page.set_input_files("#file", {"name": "c.npy", "mimeType": "", "buffer": npy_bytes(chunk())})
    await_levels(page, [1, 2])
    assert page.evaluate(CONTRASTS) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(ground) < 60 if scheme == "dark" else min(ground) > 200
    tab.open_volume("em")
    assert page.evaluate(CONTRASTS) == []
    tab.innocent()
    tab.close()


@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_screens_scroll_in_one_direction(browser, site, width):
    tab = tab_of(browser, site, width=width, height=800, has_touch=True)
    page = tab.open()
    page.wait_for_selector(".card")
    page.set_input_files("#file", {"name": "c.npy", "mimeType": "", "buffer": npy_bytes(chunk())})
    await_levels(page, [1, 2])
    inside = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(inside)
    tab.open_volume("labels")
    assert page.evaluate(inside)
    for pane in ["xy", "xz", "zy"]:
        box = page.locator(f".pane-{pane} canvas").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] > 100
        assert len(np.unique(tab.pixels(pane).reshape(-1, 3), axis=0)) > 10
    tab.innocent()
    tab.close()


def test_two_fingers_zoom(browser, site):
    tab = tab_of(browser, site, width=390, height=800, has_touch=True)
    page = tab.open_volume("em", "at=0,100,20&scale=8")
    page.locator(".pane-xy canvas").scroll_into_view_if_needed()
    box = page.locator(".pane-xy canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = tab.context.new_cdp_session(page)
    for kind, apart in [("touchStart", 40), ("touchMove", 60), ("touchMove", 80), ("touchEnd", None)]:
        points = [] if apart is None else [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    # Twice as far apart: half as many nanometres a pixel, and the place between the fingers stays.
    tab.until("Math.abs(new URLSearchParams(location.hash.split('?')[1]).get('scale') - 4) < 0.2")
    assert "at=0,100,20" in page.evaluate("location.hash")
    tab.innocent()
    tab.close()


# Tokens


def test_token_is_asked_for_and_kept_for_the_session(browser, tmp_path):
    write_raw(tmp_path / "em", EM, resolution=RESOLUTION, voxel_offset=OFFSET)
    (tmp_path / "tokens").write_text("a-token-that-reads read\na-token-that-writes write\n")
    config = f"""
tokens: {tmp_path / "tokens"}
data: {tmp_path / "data"}
volumes:
  em: {{ source: "{tmp_path / "em"}", factor: [2, 2, 1], mips: 2 }}
"""
    with Server(config=config) as server:
        tab = tab_of(browser, server)
        tab.forgiven = ("401", "403")
        page = tab.open()
        page.wait_for_selector("#token:not([hidden])")
        page.get_by_role("textbox", name="Token").fill("a-token-that-nobody-knows")
        page.get_by_role("button", name="Use").click()
        tab.until("document.querySelector('#token [role=status]').textContent.includes('Nobody knows')")
        page.get_by_role("textbox", name="Token").fill("a-token-that-reads")
        page.get_by_role("button", name="Use").click()
        tab.until("document.querySelector('.card img')?.naturalWidth > 10")
        page.reload()
        page.wait_for_selector(".card")
        tab.open_volume("em")
        assert page.locator(".viewer").get_attribute("data-failed") == "0"
        tab.open("#/")
        page.wait_for_selector(".card")
        page.set_input_files("#file", {"name": "c.npy", "mimeType": "", "buffer": npy_bytes(chunk())})
        page.wait_for_selector("#token:not([hidden])")
        assert "`write` is needed" in page.locator("#token [role=status]").inner_text()
        page.get_by_role("textbox", name="Token").fill("a-token-that-writes")
        page.get_by_role("button", name="Use").click()
        page.get_by_role("button", name="Make pyramid").click()
        await_levels(page, [1, 2])
        tab.innocent()
        tab.close()
