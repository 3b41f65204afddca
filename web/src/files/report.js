/**
 * A report as one file that needs nothing else: opened anywhere, printed, sent. It has the parts and the
 * stylesheet of the reports that mien writes elsewhere (`src/mien/reports/base.html`).
 */

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const safe = (/** @type {string} */ text) =>
  String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/**
 * @param {object} content Cells that are names of expressions get their colour.
 * @param {string} content.name
 * @param {string} content.where
 * @param {[string, string][]} content.facts
 * @param {string} [content.image] A data address, as `chart`.
 * @param {string} [content.chart]
 * @param {string[]} content.head
 * @param {string[][]} content.rows
 * @param {import("../settings.js").Settings} settings
 * @returns {Blob}
 */
export function report({ name, where, facts, image, chart, head, rows }, settings) {
  const { colours, labels, model, notice, version } = settings;
  const cell = (/** @type {string} */ text) =>
    `${colours[text] ? `<i class="dot" style="background:${colours[text]}"></i>` : ""}${safe(text)}`;
  const line = (/** @type {string[]} */ cells, /** @type {"th" | "td"} */ tag) =>
    `<tr>${cells.map((text) => `<${tag}>${cell(text)}</${tag}>`).join("")}</tr>`;
  const fact = (/** @type {[string, string]} */ [what, value]) =>
    `<tr><th scope="row">${safe(what)}</th><td>${cell(value)}</td></tr>`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${safe(name)} – expressions</title>
<style>
${settings.report_style}
</style>
</head>
<body>
<header>
  <p class="brand">mien</p>
  <h1>${safe(name)}</h1>
  <p class="note"><strong>${safe(notice)}</strong> ${safe(model.limits)}</p>
</header>
<main>
${section("", table("facts", facts.map(fact).join("")))}
${image ? section("Faces", picture(image, "The image with a box around each face")) : ""}
${chart ? section("Over time", picture(chart, OVER_TIME) + legend(labels.map(cell))) : ""}
${section("Each in numbers", table("", rows.map((cells) => line(cells, "td")).join(""), line(head, "th")))}
</main>
<footer><p>Made by mien ${safe(version)} with the model ${safe(model.name)} ${safe(where)}.</p></footer>
</body>
</html>`;
  return new Blob([html], { type: "text/html" });
}

const OVER_TIME = "Expressions over time; the table below has the numbers";

/** @param {string} heading @param {string} content */
const section = (heading, content) => `<section>${heading && `<h2>${heading}</h2>`}${content}</section>`;

/** @param {string} kind A class, or none. @param {string} body Rows. @param {string} [head] */
const table = (kind, body, head = "") =>
  `<div class="scroll"><table${kind && ` class="${kind}"`}>` +
  `${head && `<thead>${head}</thead>`}<tbody>${body}</tbody></table></div>`;

/** @param {string} address @param {string} text */
const picture = (address, text) => `<figure><img src="${address}" alt="${text}"></figure>`;

/** @param {string[]} names With their colours. */
const legend = (names) => `<ul class="legend">${names.map((name) => `<li>${name}</li>`).join("")}</ul>`;
