"""Signs of classes of somebody's own, as the page draws them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.pages import browser

__all__ = ["browser"]

GLYPHS = Path(__file__).parents[2] / "web" / "src" / "glyphs.js"
SIGNS = ["B", "W", "WWW", "怒り", "BOREDOM!", "😴", "❤️‍🔥", "🧑‍💻"]


def test_signs_stay_within_their_discs(browser: Browser) -> None:
    source = GLYPHS.read_text(encoding="utf-8").replace("export function", "function")
    page = browser.new_page()
    spans = page.evaluate(
        f"""(given) => {{
            {source}
            useIcons(Object.fromEntries(given.map((sign) => [sign, sign])));
            return given.map((sign) => {{
                const image = document.body.appendChild(glyph(sign, "#123456"));
                const text = image.querySelector("text").getBBox();
                const canvas = new OffscreenCanvas(24, 24).getContext("2d");
                drawGlyph(canvas, sign, "#000000", 0, 0, 24);
                const drawn = canvas.getImageData(0, 0, 24, 24).data.filter((_, at) => at % 4 === 3);
                const columns = [...drawn].flatMap((value, at) => (value ? [at % 24] : []));
                return [text.x, text.x + text.width, Math.min(...columns), Math.max(...columns)];
            }});
        }}""",
        SIGNS,
    )
    page.close()
    for sign, (left, right, first, last) in zip(SIGNS, spans, strict=True):
        assert 1 <= left < right <= 23, sign
        assert 1 <= first <= last <= 22, sign
