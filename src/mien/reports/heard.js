"use strict";
(() => {
  const { data, bytes, colour, count, follow } = window.report;
  const TALL = 34, WHOLE = 250, NONE = 255, box = document.getElementById("heard");
  const { cues, quietest } = data.heard, levels = data.heard.levels && bytes(data.heard.levels);
  const element = (name, parent, kind, text) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  };
  function lane(name, unit, draw, told) {
    const row = element("div", box, "lane"), left = element("div", row, "what", name);
    if (unit) element("small", left, "", unit);
    const text = element("span", element("div", row, "head")), canvas = element("canvas", row);
    canvas.setAttribute("aria-hidden", "true");
    return { canvas, draw, tell: (bin) => (text.textContent = bin === null ? "" : told(bin)) };
  }
  // With a minus as wide as a digit; what is quieter than the lane can show is "at most".
  const decibels = (value) => String(value).replace("-", "\u2212") + "\u00a0dB";
  function loudnessTold(bin) {
    if (levels[bin] === NONE) return "no sound";
    return (levels[bin] ? "level " : "level at most ") + decibels(Math.round(quietest * (1 - levels[bin] / WHOLE)));
  }
  const from = (bin) => data.start + bin * data.step;
  const said = (bin) => cues.filter((cue) => cue.start < from(bin + 1) && cue.end > from(bin)).map((cue) => cue.text).join(" / ");

  function loudness(pen, x) {
    pen.fillStyle = colour("--mark");
    levels.forEach((level, bin) => level !== NONE && pen.fillRect(x(bin), TALL * (1 - level / WHOLE), x(bin + 1) - x(bin) + 0.4, (TALL * level) / WHOLE));
  }
  function words(pen, x, width) {
    pen.textBaseline = "middle";
    for (const cue of cues) {
      const at = (seconds) => Math.max(0, Math.min(width, x((seconds - data.start) / data.step)));
      const left = at(cue.start), wide = Math.max(1, at(cue.end) - left - 1);
      pen.fillStyle = colour("--people");
      pen.globalAlpha = 0.3;
      pen.fillRect(left, 3, wide, TALL - 6);
      pen.globalAlpha = 1;
      pen.save();
      pen.beginPath();
      pen.rect(left, 0, wide, TALL);
      pen.clip();
      pen.fillStyle = colour("--ink");
      if (wide > 24) pen.fillText(cue.text, left + 3, TALL / 2);
      pen.restore();
    }
  }

  const lanes = [];
  if (levels) lanes.push(lane("sound", decibels(quietest) + " to 0", loudness, loudnessTold));
  if (cues.length) lanes.push(lane("said", "", words, said));
  const line = element("div", box, "line");
  line.hidden = true;

  function draw() {
    for (const one of lanes) {
      const ratio = window.devicePixelRatio || 1, width = one.canvas.clientWidth, pen = one.canvas.getContext("2d");
      one.canvas.width = width * ratio;
      one.canvas.height = TALL * ratio;
      pen.scale(ratio, ratio);
      pen.font = "12px system-ui, sans-serif";
      pen.fillStyle = colour("--nobody");
      pen.fillRect(0, 0, width, TALL);
      one.draw(pen, (bin) => (bin / count) * width, width);
    }
  }
  function tell({ chosen, held, left }) {
    line.hidden = chosen === null;
    line.style.left = left + "px";
    line.classList.toggle("held", held);
    for (const one of lanes) one.tell(chosen);
  }
  follow(box);
  window.report.watch(draw, tell);
})();
