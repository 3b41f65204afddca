/**
 * A report as one file that needs nothing else: opened anywhere, printed, sent.
 */

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 1.8rem 0 .5rem; }
.note { border-left: 4px solid #0f766e; padding-left: .8rem; }
img { max-width: 100%; border-radius: .6rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #8884; }
i { display: inline-block; width: .8em; height: .8em; border-radius: .25em; margin-right: .4em; }
.quiet { opacity: .75; font-size: .9rem; }`;

const safe = (/** @type {string} */ text) => String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/**
 * @param {{name: string, where: string, facts: [string, string][], image?: string, chart?: string, head: string[], rows: string[][]}} content `image` and
 *   `chart` as data addresses; cells that are names of expressions get their colour.
 * @param {import("../settings.js").Settings} settings
 * @returns {Blob}
 */
export function report({ name, where, facts, image, chart, head, rows }, settings) {
  const cell = (/** @type {string} */ text) => `${settings.colours[text] ? `<i style="background:${settings.colours[text]}"></i>` : ""}${safe(text)}`;
  const line = (/** @type {string[]} */ cells, /** @type {"th" | "td"} */ tag) => `<tr>${cells.map((text) => `<${tag}>${cell(text)}</${tag}>`).join("")}</tr>`;
  const legend = settings.labels.map((label) => `<span><i style="background:${settings.colours[label]}"></i>${safe(label)}</span>`).join(" &nbsp; ");
  const html = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe(name)} – expressions</title><style>${STYLE}</style>
<h1>${safe(name)}</h1>
<p class="note"><strong>${safe(settings.notice)}</strong> ${safe(settings.model.limits)}</p>
<table>${facts.map((pair) => line(pair, "td")).join("")}</table>
${image ? `<h2>Faces</h2><img src="${image}" alt="The image with a box around each face">` : ""}
${chart ? `<h2>Over time</h2><img src="${chart}" alt="Expressions over time; the table below has the numbers"><p class="quiet">${legend}</p>` : ""}
<h2>Each in numbers</h2>
<table><thead>${line(head, "th")}</thead><tbody>${rows.map((cells) => line(cells, "td")).join("")}</tbody></table>
<p class="quiet">Read by mien ${safe(settings.version)} with the network ${safe(settings.model.name)} ${safe(where)}.</p>
</html>`;
  return new Blob([html], { type: "text/html" });
}
