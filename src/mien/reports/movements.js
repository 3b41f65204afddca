"use strict";
(() => {
  const { data, bytes, colour, hatch, count, follow } = window.report;
  const TALL = 34, MARK = 11, TALK = 4, ZERO = 125, NONE = 255, INKS = ["--mark", "--people", "--good"];
  const people = data.movements.people.map((person) => ({
    ...person,
    reasons: bytes(person.reasons),
    blinks: person.blinks && bytes(person.blinks),
    talks: person.talks && bytes(person.talks),
    lanes: person.lanes.map((lane) => ({ ...lane, curves: lane.curves.map((curve) => ({ name: curve.name, values: bytes(curve.values) })) })),
    box: document.getElementById("movements-" + person.id),
  }));
  const element = (name, parent, kind, text) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  };
  const number = (value, lane) => {
    const text = Math.abs(value).toFixed(lane.unit ? 0 : 2);
    return (Number(text) === 0 ? "" : value < 0 ? "\u2212" : "+") + text + lane.unit;
  };

  for (const person of people) {
    for (const lane of person.lanes) {
      const row = element("div", person.box, "lane"), left = element("div", row, "what", lane.name);
      element("small", left, "", "\u00b1" + lane.reach + lane.unit);
      const head = element("div", row, "head");
      lane.told = lane.curves.map((curve, index) => {
        const part = element("span", head);
        element("i", part).style.background = `var(${INKS[index]})`;
        part.append(curve.name + " ");
        return element("b", part);
      });
      if (lane.name === "eyes" && person.blinks) {
        const part = element("span", head);
        element("i", part, "blink");
        part.append("blinks");
      }
      if (lane.name === "mouth" && person.talks) {
        const part = element("span", head);
        element("i", part, "talk");
        part.append("talking");
      }
      lane.why = element("span", head, "why");
      lane.canvas = element("canvas", row);
      lane.canvas.setAttribute("aria-hidden", "true");
    }
    person.line = element("div", person.box, "line");
    person.line.hidden = true;
  }

  // Stretches of steps of which something holds, as pairs of the first and the one after the last.
  function stretches(length, holds) {
    const found = [];
    for (let start = 0; start < length; start++) {
      if (!holds(start)) continue;
      let stop = start + 1;
      while (stop < length && holds(stop)) stop++;
      found.push([start, stop]);
      start = stop;
    }
    return found;
  }

  function drawLane(person, lane) {
    const { canvas } = lane, ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, length = person.reasons.length;
    canvas.width = width * ratio;
    canvas.height = TALL * ratio;
    const pen = canvas.getContext("2d"), middle = TALL / 2;
    const x = (bin) => ((person.first + bin) / count) * width, y = (value) => middle * (1 - ((value - ZERO) / ZERO) * 0.94);
    pen.scale(ratio, ratio);
    for (const [start, stop] of stretches(length, (bin) => person.reasons[bin] !== NONE)) {
      pen.fillStyle = colour("--nobody");
      pen.fillRect(x(start), 0, x(stop) - x(start), TALL);
    }
    const missing = (bin) => person.reasons[bin] !== NONE && lane.curves.every((curve) => curve.values[bin] === NONE);
    for (const [start, stop] of stretches(length, missing)) {
      pen.globalAlpha = 0.45;
      hatch(pen, x(start), 0, x(stop) - x(start), TALL, colour("--soft"));
    }
    pen.fillStyle = colour("--soft");
    pen.globalAlpha = 0.5;
    pen.fillRect(0, middle - 0.5, width, 1);
    pen.globalAlpha = 1;
    if (lane.name === "eyes" && person.blinks) {
      const most = Math.max(1, ...person.blinks);
      pen.fillStyle = colour("--ink");
      person.blinks.forEach((blinks, bin) => blinks && pen.fillRect(x(bin + 0.5) - 0.75, TALL - (MARK * blinks) / most, 1.5, MARK));
    }
    if (lane.name === "mouth" && person.talks) {
      pen.fillStyle = colour("--ink");
      for (const [start, stop] of stretches(length, (bin) => person.talks[bin])) pen.fillRect(x(start), TALL - TALK, x(stop) - x(start), TALK);
    }
    lane.curves.forEach((curve, index) => {
      pen.strokeStyle = pen.fillStyle = colour(INKS[index]);
      pen.lineWidth = 1.4;
      pen.lineJoin = "round";
      for (const [start, stop] of stretches(length, (bin) => curve.values[bin] !== NONE)) {
        pen.beginPath();
        for (let bin = start; bin < stop; bin++) pen.lineTo(x(bin + 0.5), y(curve.values[bin]));
        if (stop - start === 1) pen.fillRect(x(start + 0.5) - 1, y(curve.values[start]) - 1, 2, 2);
        pen.stroke();
      }
    });
  }

  function draw() {
    for (const person of people) if (person.box.clientWidth) for (const lane of person.lanes) drawLane(person, lane);
  }

  function tell({ chosen, held, left }) {
    for (const person of people) {
      const bin = chosen === null ? -1 : chosen - person.first, reason = bin < 0 ? undefined : person.reasons[bin];
      person.line.hidden = chosen === null;
      person.line.style.left = left + "px";
      person.line.classList.toggle("held", held);
      for (const lane of person.lanes) {
        const known = lane.curves.map((curve) => reason !== undefined && reason !== NONE && curve.values[bin] !== NONE);
        lane.curves.forEach((curve, index) => {
          lane.told[index].textContent = known[index] ? number(((curve.values[bin] - ZERO) / ZERO) * lane.reach, lane) : "";
        });
        const away = reason === undefined || reason === NONE;
        lane.why.textContent = known.includes(true) ? "" : away ? "not in view" : data.movements.reasons[reason] || "not known";
      }
    }
  }

  for (const person of people) {
    follow(person.box);
    person.box.parentElement.addEventListener("toggle", draw);
  }
  window.report.watch(draw, tell);
})();
