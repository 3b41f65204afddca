"""Firefox answers the golden vectors as Python does; Node, whose engine is Chromium's, is held to them by `node --test`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.element.browsers import Tab, opened
from tests.element.serving import served

ROOT = Path(__file__).parents[2]
VECTORS = sorted((ROOT / "tests" / "vectors").glob("*.json"))

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>vectors</title>
<script type="importmap">{"imports": {"node:fs": "/files.js", "node:assert/strict": "/assert.js"}}</script>"""
FILES = """
const text = (url) => {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.send();
  return request.responseText;
};
export const readFileSync = (url) => text(url);
export const readdirSync = () => JSON.parse(text("/names.json"));
class Bytes extends Uint8Array {
  toString() {
    let out = "";
    for (const byte of this) out += String.fromCharCode(byte);
    return btoa(out);
  }
}
globalThis.Buffer = {
  from: (given) => (typeof given === "string" ? Bytes.from(atob(given), (sign) => sign.charCodeAt(0)) : Bytes.from(given)),
};
"""
"""What the answers need of Node, in a browser."""
ASSERT = """
export default {
  deepEqual(got, expected) {
    if (JSON.stringify(got) !== JSON.stringify(expected)) throw new Error(`expected ${expected}; got ${got}`);
  },
  equal(got, expected) {
    if (got !== expected) throw new Error(`expected ${expected}; got ${got}`);
  },
};
"""
ANSWER = """async (name) => {
  const { answers } = await import("/web/tests/answers.js");
  const { difference, read } = await import("/web/tests/vectors.js");
  const { tolerance, cases } = read(name);
  const wrong = [];
  for (const { input, expected } of cases) wrong.push(difference(await answers[name](input), expected, tolerance));
  return wrong;
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Firefox with a page that can import what `node --test` does."""
    folder = tmp_path_factory.mktemp("vectors")
    for name in ("web", "tests", "src"):
        (folder / name).symlink_to(ROOT / name)
    names = json.dumps([path.name for path in VECTORS])
    for name, text in {
        "index.html": PAGE,
        "files.js": FILES,
        "assert.js": ASSERT,
        "names.json": names,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    with served(folder) as site, opened("firefox", folder / "browser") as tab:
        site.headers = {}
        tab.open(f"{site.url}/index.html")
        yield tab


@pytest.mark.parametrize("name", [path.stem for path in VECTORS if path.stem != "settings"])
def test_firefox_answers_as_the_vectors_say(browser: Tab, name: str) -> None:
    wrong = browser.run(ANSWER, name)
    assert wrong
    assert wrong == [None] * len(wrong)
