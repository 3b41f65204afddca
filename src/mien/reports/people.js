"use strict";
(() => {
  const { recordings, labels } = JSON.parse(document.getElementById("people-data").textContent);
  const byId = (name) => document.getElementById("hand-" + name);
  const fields = Object.fromEntries(["source", "person", "other", "start", "end", "name"].map((name) => [name, byId(name)]));
  const changes = recordings.flatMap((recording) => recording.changes);
  const element = (name, parent, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    parent.append(made);
    return made;
  };
  const named = (person) => (person.name ? `${person.name} (${person.id})` : `person ${person.id}`);
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
  const recording = () => recordings[fields.source.value];
  const about = (change) => ["", recording().source].includes(change.source);

  function seconds(text) {
    if (!text.trim()) return null;
    const parts = text.trim().replace(",", ".").split(":").map(Number);
    return parts.some(Number.isNaN) ? NaN : parts.reduce((sum, part) => sum * 60 + part, 0);
  }

  // What the lines of one recording make of its pieces: from when to when somebody was seen with one label.
  function corrected(lines) {
    let pieces = recording().people.flatMap((person) => person.pieces.map(([start, end, label]) => ({ start, end, label, id: person.id })));
    const names = new Map(recording().people.filter((person) => person.name).map((person) => [person.id, person.name]));
    const number = (text) => (/^\d+$/.test(text) ? Number(text) : [...names].find(([, name]) => name === text)?.[0]);
    const cut = (time) => {
      if (time === null) return;
      pieces = pieces.flatMap((piece) => (piece.start < time && time < piece.end ? [{ ...piece, end: time }, { ...piece, start: time }] : [piece]));
    };
    const most = () => Math.max(0, ...pieces.map((piece) => piece.id), ...recording().people.map((person) => person.id));
    for (const line of lines) {
      const start = seconds(line.start), end = seconds(line.end), person = number(line.person), other = number(line.other);
      cut(start);
      cut(end);
      const during = (piece) => (start === null || piece.start >= start) && (end === null || piece.end <= end);
      const held = [...names].some(([id, name]) => name === line.name && id !== person && pieces.some((piece) => piece.id === id));
      if (line.change === "name") held || names.set(person, line.name);
      else if (line.change === "exclude") pieces = pieces.filter((piece) => !(during(piece) && (!line.person || piece.id === person)));
      else {
        const fresh = other ?? most() + 1;
        for (const piece of pieces.filter(during)) {
          if (line.change === "join" && piece.id === other) piece.id = person;
          else if (line.change === "split" && piece.id === person) piece.id = fresh;
          else if (line.change === "swap" && [person, other].includes(piece.id)) piece.id = piece.id === person ? other : person;
        }
        if (line.change === "join" && names.has(other) && !names.has(person)) names.set(person, names.get(other));
      }
    }
    const people = new Map();
    for (const piece of pieces.sort((a, b) => a.start - b.start)) {
      if (!people.has(piece.id)) people.set(piece.id, { id: piece.id, name: names.get(piece.id) ?? "", pieces: [] });
      people.get(piece.id).pieces.push(piece);
    }
    return [...people.values()].sort((a, b) => a.id - b.id);
  }

  // Seconds in which two pieces of one person are seen at once: mien leaves such a line out.
  function twice(person) {
    let reached = -Infinity, both = 0;
    for (const { start, end } of person.pieces) {
      both = Math.max(both, Math.min(reached, end) - start);
      reached = Math.max(reached, end);
    }
    return both;
  }

  const place = (time) => (100 * (time - recording().start)) / Math.max(1e-6, recording().end - recording().start);

  function lane(person, parent) {
    const row = element("div", parent, undefined, "hand-lane");
    const who = element("button", row, named(person), "who");
    who.type = "button";
    who.draggable = true;
    who.setAttribute("aria-pressed", String(fields.person.value === String(person.id)));
    who.addEventListener("click", (event) => choose(event.shiftKey ? "other" : "person", person.id));
    who.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", String(person.id)));
    row.addEventListener("dragover", (event) => event.preventDefault());
    row.addEventListener("drop", (event) => {
      event.preventDefault();
      const other = event.dataTransfer.getData("text/plain");
      if (/^\d+$/.test(other) && other !== String(person.id)) add({ change: "join", person: String(person.id), other });
    });
    const track = element("div", row, undefined, "track");
    for (const piece of person.pieces) {
      const bar = element("i", track);
      bar.style.cssText = `left: ${place(piece.start)}%; width: ${Math.max(0.15, place(piece.end) - place(piece.start))}%; background: ${labels[piece.label] ?? "#9aa0a6"}`;
    }
    point(track, person);
  }

  // Pointing at a moment of a lane takes it for "from", drawing over a stretch takes this for "from" and "to".
  function point(track, person) {
    const at = (event) => {
      const box = track.getBoundingClientRect(), share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      return recording().start + share * (recording().end - recording().start);
    };
    let begun = null;
    track.addEventListener("pointerdown", (event) => {
      begun = at(event);
      track.setPointerCapture(event.pointerId);
    });
    track.addEventListener("pointerup", (event) => {
      if (begun === null) return;
      const [start, end] = [begun, at(event)].sort((a, b) => a - b);
      begun = null;
      fields.start.value = clock(start);
      fields.end.value = place(end) - place(start) > 0.5 ? clock(end) : "";
      choose("person", person.id);
    });
  }

  function choose(field, id) {
    fields[field].value = String(id);
    draw();
  }

  function options(select, people, first) {
    const chosen = select.value;
    select.replaceChildren();
    element("option", select, first).value = "";
    for (const person of people) element("option", select, named(person)).value = String(person.id);
    select.value = people.some((person) => String(person.id) === chosen) ? chosen : "";
  }

  const told = (line) => {
    const time = [line.start && `from ${line.start}`, line.end && `to ${line.end}`].filter(Boolean).join(" ");
    const who = { join: `${line.person} and ${line.other} are one`, split: `${line.person} is ${line.other || "somebody else"}`, swap: `${line.person} and ${line.other} swap`, name: `${line.person} is called ${line.name}`, exclude: `without ${line.person || "everybody"}` };
    return [who[line.change], time].filter(Boolean).join(" ");
  };

  function draw() {
    const people = corrected(changes.filter(about));
    options(fields.person, people, "choose");
    options(fields.other, people, "choose");
    const lanes = byId("lanes"), focused = document.activeElement?.className === "who" ? document.activeElement.textContent : null;
    lanes.replaceChildren();
    for (const person of people) lane(person, lanes);
    if (focused) [...lanes.querySelectorAll(".who")].find((each) => each.textContent === focused)?.focus();
    const list = byId("list");
    list.replaceChildren();
    for (const line of changes.filter(about)) {
      const item = element("li", list, told(line) + " ");
      const remove = element("button", item, "Remove");
      remove.type = "button";
      remove.setAttribute("aria-label", "Remove: " + told(line));
      remove.addEventListener("click", () => {
        changes.splice(changes.indexOf(line), 1);
        say("Removed.");
        draw();
      });
    }
    byId("save").disabled = !changes.length;
    return people;
  }

  const say = (text) => (byId("said").textContent = text);
  const NEEDED = { join: ["person", "other"], split: ["person", "start"], swap: ["person", "other", "start"], name: ["person", "name"], exclude: [] };

  function add(given) {
    const line = { source: recordings.length > 1 || recording().named ? recording().source : "", person: "", other: "", start: "", end: "", name: "", ...given };
    const missing = NEEDED[line.change].filter((name) => !line[name]);
    const words = { person: "a person", other: "another person", start: "a moment (from)", name: "a name" };
    if (missing.length) return say(`Choose ${missing.map((name) => words[name]).join(" and ")} first.`);
    if (line.change === "exclude" && !line.person && !line.start && !line.end) return say("Choose a person or a stretch first.");
    if ([line.start, line.end].some((text) => Number.isNaN(seconds(text)))) return say("Times are seconds or minutes:seconds.");
    if (line.person && line.person === line.other) return say("Choose two persons.");
    changes.push(line);
    const people = draw(), both = people.find((person) => twice(person) > 2 * recording().step);
    say(both ? `${told(line)}. ${named(both)} would be seen twice at once: mien leaves such a line out. Exclude one of them there first.` : `${told(line)}.`);
  }

  for (const button of document.querySelectorAll("[data-change]")) {
    button.addEventListener("click", () => {
      const { uses } = button.dataset, values = {};
      for (const name of uses.split(" ")) values[name] = fields[name].value.trim();
      add({ change: button.dataset.change, ...values });
    });
  }
  fields.source.addEventListener("change", draw);
  fields.person.addEventListener("change", draw);

  // As mien writes cells: what spreadsheets would take for a formula gets a mark before it.
  function cell(text) {
    const safe = /^'*[=+\-@\t\r]/.test(text) ? "'" + text : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }
  const COLUMNS = ["source", "change", "person", "other", "start", "end", "name"];
  byId("save").addEventListener("click", () => {
    const text = [COLUMNS, ...changes.map((line) => COLUMNS.map((name) => line[name]))].map((line) => line.map(cell).join(",") + "\n").join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = "corrections.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say("Saved as corrections.csv.");
  });
  draw();
})();
