"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const chart = document.getElementById("chart"), canvas = document.getElementById("canvas");
  const line = document.getElementById("line"), moment = document.getElementById("moment");
  const classes = data.labels.length, NONE = 255, WHOLE = 250;
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const overall = { ...data.overall, probs: bytes(data.overall.probs) };
  const people = data.people.map((person) => ({ ...person, probs: bytes(person.probs), labels: bytes(person.labels), uncertain: bytes(person.uncertain) }));
  const count = overall.looked.length;
  const LEFT = 78, RIGHT = 8, TOP = 4, TALL = 96, LANE = 40, BAND = 9, SPACE = 10, AXIS = 20;
  // Of somebody alone a lane of everybody would be the same picture twice.
  const alone = data.alone, cover = alone ? TOP + TALL + 2 + BAND + SPACE : TOP + TALL + SPACE;
  const lanes = people.map((person, index) => ({
    person,
    top: alone ? TOP : cover + BAND + SPACE + index * (LANE + BAND + SPACE),
    tall: alone ? TALL : LANE,
  }));
  const height = cover + BAND + SPACE + (alone ? 0 : people.length * (LANE + BAND + SPACE)) + AXIS;
  let width = 0, chosen = null, held = false;
  // Other charts of the page, which show the same moment: what draws them, and what tells them of it.
  const others = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const x = (bin) => LEFT + (bin / count) * (width - LEFT - RIGHT);
  const time = (seconds) => {
    const tenths = Math.round(Math.abs(seconds) * 10), whole = Math.floor(tenths / 10);
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const text = (parts[0] ? [parts[0], String(parts[1]).padStart(2, "0")] : [parts[1]]).concat(String(parts[2]).padStart(2, "0")).join(":");
    return (seconds < 0 && tenths ? "-" : "") + text + (data.step < 1 ? "." + (tenths % 10) : "");
  };

  // Whole percents that add up to 100, as in every other output: the largest remainders are rounded up.
  function percents(probs, bin) {
    const values = Array.from(probs.slice(bin * classes, (bin + 1) * classes));
    const sum = (numbers) => numbers.reduce((total, number) => total + number, 0), whole = sum(values) || 1;
    const parts = values.map((value) => (100 * value) / whole), texts = parts.map(Math.floor);
    const places = parts.map((_, at) => at).sort((a, b) => texts[a] - parts[a] - (texts[b] - parts[b]));
    for (const at of places.slice(0, Math.round(sum(parts)) - sum(texts))) texts[at] += 1;
    const small = (at) => values[at] && !texts[at], great = (at) => texts[at] === 100 && values[at] < whole;
    return texts.map((text, at) => (small(at) ? "< 1" : great(at) ? "> 99" : text) + "\u00a0%");
  }

  function stacked(pen, probs, first, filled, top, tall) {
    for (let start = 0; start < filled.length; start++) {
      if (!filled[start]) continue;
      let stop = start;
      while (stop < filled.length && filled[stop]) stop++;
      const below = new Float64Array(stop - start);
      for (let k = 0; k < classes; k++) {
        pen.fillStyle = data.labels[k].colour;
        pen.beginPath();
        // There on the upper edge, back on the lower one; through the middle of each step, so that the edges are smooth.
        const edge = [];
        for (let bin = start; bin < stop; bin++) {
          let sum = 0;
          for (let j = 0; j < classes; j++) sum += probs[bin * classes + j];
          const share = sum ? probs[bin * classes + k] / sum : 0;
          edge.push([below[bin - start], below[bin - start] + share]);
          below[bin - start] += share;
        }
        const place = (index) => x(first + start + index + 0.5);
        pen.moveTo(x(first + start), top + tall * (1 - edge[0][1]));
        edge.forEach((pair, index) => pen.lineTo(place(index), top + tall * (1 - pair[1])));
        pen.lineTo(x(first + stop), top + tall * (1 - edge[edge.length - 1][1]));
        pen.lineTo(x(first + stop), top + tall * (1 - edge[edge.length - 1][0]));
        for (let index = edge.length - 1; index >= 0; index--) pen.lineTo(place(index), top + tall * (1 - edge[index][0]));
        pen.lineTo(x(first + start), top + tall * (1 - edge[0][0]));
        pen.fill();
      }
      start = stop;
    }
  }

  function hatch(pen, left, top, wide, tall, ink) {
    pen.save();
    pen.beginPath();
    pen.rect(left, top, wide, tall);
    pen.clip();
    pen.strokeStyle = ink;
    pen.lineWidth = 1.6;
    pen.beginPath();
    for (let at = left - tall - (left % 5); at < left + wide; at += 5) {
      pen.moveTo(at, top + tall);
      pen.lineTo(at + tall, top);
    }
    pen.stroke();
    pen.restore();
  }

  function band(pen, person, top) {
    const level = (bin) => {
      const label = person.labels[bin];
      if (label === NONE) return -1;
      return label * 2 + (label < classes && person.probs[bin * classes + label] >= 0.75 * WHOLE);
    };
    for (let start = 0; start < person.labels.length; start++) {
      const kind = level(start);
      let stop = start + 1;
      while (stop < person.labels.length && level(stop) === kind) stop++;
      if (kind >= 0) {
        const left = x(person.first + start), wide = Math.max(1, x(person.first + stop) - left);
        pen.globalAlpha = kind % 2 ? 1 : 0.55;
        pen.fillStyle = named(kind >> 1).colour;
        pen.fillRect(left, top, wide, BAND);
        pen.globalAlpha = 1;
      }
      start = stop - 1;
    }
    // Lines over the share of each step that was uncertain.
    for (let start = 0; start < person.labels.length; start++) {
      const share = person.uncertain[start] / WHOLE;
      let stop = start + 1;
      while (stop < person.labels.length && person.uncertain[stop] === person.uncertain[start]) stop++;
      const left = x(person.first + start);
      if (share) hatch(pen, left, top + BAND * (1 - share), Math.max(1, x(person.first + stop) - left), BAND * share, colour("--sheet"));
      start = stop - 1;
    }
  }

  function axis(pen) {
    const length = count * data.step, steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
    const room = Math.max(2, Math.floor((width - LEFT - RIGHT) / 90));
    const step = steps.find((each) => length / each <= room) || 14400;
    pen.fillStyle = colour("--soft");
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    for (let tick = Math.ceil(data.start / step) * step; tick <= data.start + length + 1e-6; tick += step) {
      const at = x((tick - data.start) / data.step);
      pen.globalAlpha = 0.35;
      pen.fillRect(at, TOP, 1, height - AXIS - TOP);
      pen.globalAlpha = 1;
      pen.fillText(time(tick), Math.min(width - 22, at), height - 2);
    }
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    width = chart.clientWidth;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.height = height + "px";
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "12px system-ui, sans-serif";
    pen.fillStyle = colour("--nobody");
    pen.fillRect(LEFT, TOP, width - LEFT - RIGHT, TALL);
    for (const { person, top, tall } of lanes) {
      pen.fillRect(x(person.first), top, x(person.first + person.labels.length) - x(person.first), tall);
    }
    if (!alone) stacked(pen, overall.probs, 0, overall.in_view, TOP, TALL);
    for (let bin = 0; bin < count; bin++) {
      const failed = overall.failed[bin] > 0, seen = overall.looked[bin] ? overall.seen[bin] / overall.looked[bin] : 0;
      pen.fillStyle = failed ? colour("--lost") : seen ? colour("--soft") : colour("--nobody");
      pen.globalAlpha = failed ? 1 : seen ? 0.3 + 0.6 * seen : 1;
      pen.fillRect(x(bin), cover, x(bin + 1) - x(bin) + 0.4, BAND);
    }
    pen.globalAlpha = 1;
    for (const { person, top, tall } of lanes) {
      stacked(pen, person.probs, person.first, Array.from(person.labels, (label) => label !== NONE), top, tall);
      band(pen, person, top + tall + 2);
    }
    axis(pen);
    pen.fillStyle = colour("--ink");
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    if (!alone) pen.fillText("everybody", 0, TOP + TALL / 2);
    pen.fillText("seen", 0, cover + BAND / 2);
    for (const { person, top, tall } of lanes) pen.fillText("person " + person.id, 0, top + tall / 2);
    mark();
    for (const other of others) other.draw();
  }

  function mark() {
    line.hidden = chosen === null;
    if (chosen !== null) line.style.left = x(chosen + 0.5) + "px";
    line.classList.toggle("held", held);
    for (const other of others) other.tell({ chosen, held, left: x((chosen ?? 0) + 0.5) });
  }

  const element = (name, parent, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    parent.append(made);
    return made;
  };

  function bars(parent, probs, bin) {
    const list = element("dl", parent, undefined, "bars"), texts = percents(probs, bin);
    for (let k = 0; k < classes; k++) {
      const value = probs[bin * classes + k];
      element("dt", list, data.labels[k].name);
      const fill = element("i", element("dd", list, undefined, "bar"));
      fill.style.width = (value / WHOLE) * 100 + "%";
      fill.style.background = data.labels[k].colour;
      element("dd", list, texts[k], "number");
    }
  }

  const named = (label) => data.labels[label] || data.uncertain;

  // A label with its probability where that is the greatest of this moment: beside another one it would mislead.
  function caption(label, probs, bin) {
    return label === top(probs, bin) ? `${named(label).name} ${percents(probs, bin)[label]}` : named(label).name;
  }

  function card(parent, title, label, probs, bin, image) {
    const box = element("div", parent, undefined, "person");
    const head = element("p", box);
    element("i", head).style.background = named(label).colour;
    head.append(caption(label, probs, bin));
    element("span", head, " · " + title);
    if (image) {
      const face = element("img", box);
      face.src = image;
      face.alt = "The face of " + title + " near this moment";
    }
    bars(box, probs, bin);
  }

  const top = (probs, bin) => {
    let best = 0;
    for (let k = 1; k < classes; k++) if (probs[bin * classes + k] > probs[bin * classes + best]) best = k;
    return best;
  };

  function nearest(person, seconds) {
    let found = null;
    for (const each of data.thumbnails) {
      if (each.person === person && (!found || Math.abs(each.time - seconds) < Math.abs(found.time - seconds))) found = each;
    }
    return found && found.image;
  }

  function tell() {
    const seconds = data.start + (chosen + 0.5) * data.step;
    const present = people.filter((person) => chosen >= person.first && chosen < person.first + person.labels.length && person.labels[chosen - person.first] !== NONE);
    moment.replaceChildren();
    const head = element("h3", moment, time(seconds));
    const failed = overall.failed[chosen] ? ", a part could not be read" : "";
    const peak = data.peak && chosen === data.peak.step ? ` · peak of ${data.peak.label}` : "";
    element("span", head, `${peak} · ${overall.seen[chosen]} of ${overall.looked[chosen]} frame${overall.looked[chosen] === 1 ? "" : "s"} with a face${failed}${held ? " · held" : ""}`);
    const said = [time(seconds)];
    if (!overall.in_view[chosen]) {
      element("p", moment, overall.looked[chosen] ? "Nobody in view." : "Not looked at.", "small");
      said.push("nobody in view");
    }
    const grid = element("div", moment, undefined, "persons");
    for (const person of present) {
      const bin = chosen - person.first, label = person.labels[bin];
      card(grid, "person " + person.id, label, person.probs, bin, nearest(person.id, seconds));
      said.push(`person ${person.id} ${caption(label, person.probs, bin)}`);
    }
    if (overall.in_view[chosen] && present.length !== 1) {
      const label = top(overall.probs, chosen);
      card(grid, "everybody, mean probability", label, overall.probs, chosen, null);
      if (!present.length) said.push(caption(label, overall.probs, chosen));
    }
    chart.setAttribute("aria-valuemin", data.start.toFixed(2));
    chart.setAttribute("aria-valuemax", (data.start + count * data.step).toFixed(2));
    chart.setAttribute("aria-valuenow", seconds.toFixed(2));
    chart.setAttribute("aria-valuetext", said.join(", "));
  }

  function choose(bin) {
    const next = Math.max(0, Math.min(count - 1, bin));
    if (next === chosen && moment.dataset.held === String(held)) return;
    chosen = next;
    moment.dataset.held = held;
    mark();
    tell();
  }

  const binAt = (event) => Math.floor(((event.clientX - chart.getBoundingClientRect().left - LEFT) / (width - LEFT - RIGHT)) * count);

  // Pointing at a moment in one of the charts, which are all as wide.
  function follow(box) {
    box.addEventListener("pointermove", (event) => held || choose(binAt(event)));
    box.addEventListener("click", (event) => {
      held = !held || event.pointerType === "touch";
      choose(binAt(event));
    });
  }
  follow(chart);
  chart.addEventListener("keydown", (event) => {
    const far = Math.max(1, Math.round(count / 20)), from = chosen === null ? -1 : chosen;
    const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: far, PageDown: -far };
    if (event.key in moves) choose(from + moves[event.key]);
    else if (event.key === "Home") choose(0);
    else if (event.key === "End") choose(count - 1);
    else if (event.key === "Enter" || event.key === " ") {
      held = !held;
      choose(Math.max(0, from));
    } else if (event.key === "Escape") {
      held = false;
      choose(Math.max(0, from));
    } else return;
    event.preventDefault();
  });
  new ResizeObserver(() => chart.clientWidth === width || requestAnimationFrame(draw)).observe(chart);
  draw();
  if (count) choose(data.peak ? data.peak.step : 0);
  window.report = {
    data, bytes, colour, hatch, count, follow,
    watch(drawOther, tellOther) {
      others.push({ draw: drawOther, tell: tellOther });
      drawOther();
      mark();
    },
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  if (!count) document.getElementById("chart").hidden = true;

  // Paper is white, and nothing on it can be opened.
  let opened = [];
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.print = "";
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
    draw();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.print;
    for (const each of opened) each.open = false;
    draw();
  });
})();
