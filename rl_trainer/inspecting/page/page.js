"use strict";
// Everything that a policy or a tool wrote is put here as text, never as markup.
const shown = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const ROW = 22, STEP = 18, WIDE = 130, MANY = 60;
const byId = (id) => document.getElementById(id);
let colouring = "credit";

function make(name, properties, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

function draw(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const at = (values, place) => (values.length === 1 ? values[0] : values[place]);
const number = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(4))));
const percent = (value) => `${Math.round(100 * value)} %`;
const oneLine = (text, most) => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
};

function listGroups(wanted) {
  const list = byId("groups");
  list.replaceChildren();
  shown.groups.forEach((group, place) => {
    if (!`${group.task_id} ${group.kind}`.toLowerCase().includes(wanted.toLowerCase())) return;
    const fill = make("i", {});
    fill.style.width = `${100 * group.solved}%`;
    const rewards = group.runs.map((run) => number(run.reward)).join("  ");
    const button = make("button", { type: "button" }, group.task_id,
      make("small", {}, make("span", { className: "bar" }, fill), ` ${percent(group.solved)} ${group.kind}`),
      make("small", {}, oneLine(rewards, 60)));
    button.dataset.place = place;
    button.addEventListener("click", () => showGroup(place));
    list.append(make("li", {}, button));
  });
}

function showGroup(place) {
  const group = shown.groups[place];
  for (const each of document.querySelectorAll("#groups button")) {
    each.setAttribute("aria-current", String(Number(each.dataset.place) === place));
  }
  const main = byId("group");
  const facts = `${group.kind || "no kind"} · ${percent(group.solved)} of ${group.runs.length} runs passed · rolled out in iteration ${group.iteration + 1} of its stage`;
  main.replaceChildren(make("h2", {}, group.task_id), make("p", { className: "dim" }, facts));
  if (group.no_credit) main.append(make("p", { className: "wrong" }, `No credit can be shown: ${group.no_credit}`));
  if (group.opening) {
    const opening = make("details", {}, make("summary", {}, "What every run began with"), make("div", {}, make("pre", {}, group.opening)));
    main.append(opening);
  }
  main.append(make("h3", {}, "Turn tree"), tree(group), make("h3", {}, "Runs"), colours(group));
  group.runs.forEach((run, member) => main.append(runOf(group, run, member)));
}

function tree(group) {
  const children = group.nodes.map(() => []);
  group.nodes.forEach((node, place) => { if (node.parent >= 0) children[node.parent].push(place); });
  const folded = new Set();
  if (group.nodes.length > MANY) {
    group.nodes.forEach((node, place) => { if (node.members.length === 1 && children[place].length) folded.add(place); });
  }
  const rewards = group.runs.map((run) => run.reward);
  const low = Math.min(...rewards), high = Math.max(...rewards);
  const box = make("div", { className: "tree" });
  const size = (place) => children[place].reduce((sum, child) => sum + 1 + size(child), 0);

  function refresh(focus) {
    const rows = [];
    const visit = (place) => { rows.push(place); if (!folded.has(place)) children[place].forEach(visit); };
    visit(0);
    const line = new Map(rows.map((place, row) => [place, row]));
    const svg = draw("svg", { width: 1100, height: rows.length * ROW + 6, role: "tree", "aria-label": "Turn tree" });
    rows.forEach((place, row) => {
      const node = group.nodes[place];
      const x = 12 + node.depth * STEP, y = row * ROW + 14;
      if (node.parent >= 0) {
        svg.append(draw("path", { d: `M${x - STEP} ${line.get(node.parent) * ROW + 14}V${y}H${x}` }));
      }
    });
    rows.forEach((place, row) => {
      const node = group.nodes[place];
      const inner = children[place].length;
      const x = 12 + node.depth * STEP, y = row * ROW + 14;
      const circle = draw("circle", { cx: x, cy: y, r: 3 + 5 * node.members.length / group.runs.length });
      const share = high > low ? (node.reward - low) / (high - low) : 0.5;
      circle.style.fill = `color-mix(in oklab, var(--plus) ${Math.round(100 * share)}%, var(--minus))`;
      const hidden = folded.has(place) ? `  [+${size(place)}]` : "";
      const ends = node.ends.length ? `  ends: run ${node.ends.join(", ")}` : "";
      const label = draw("text", { x: x + 13, y: y + 4, class: node.malformed ? "bad" : "" }, oneLine(node.label, WIDE));
      const tail = draw("tspan", { class: "dim" }, `  ${node.members.length} of ${group.runs.length} · reward ${number(node.reward)}${ends}${hidden}`);
      label.append(tail);
      const title = draw("title", {}, node.label);
      const entry = draw("g", { role: "treeitem", tabindex: 0, "data-node": place }, title, circle, label);
      if (inner) entry.setAttribute("aria-expanded", String(!folded.has(place)));
      const act = () => {
        if (inner) {
          if (!folded.delete(place)) folded.add(place);
          refresh(place);
        } else if (node.ends.length) {
          const run = byId(`run-${node.ends[0]}`);
          run.open = true;
          run.scrollIntoView({ block: "start" });
        }
      };
      entry.addEventListener("click", act);
      entry.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); }
      });
      svg.append(entry);
    });
    box.replaceChildren(svg);
    if (focus !== undefined) box.querySelector(`[data-node="${focus}"]`).focus();
  }
  refresh();
  return box;
}

function colours(group) {
  const choice = make("select", { id: "colouring" });
  for (const [value, words] of [["credit", "credit: advantage × weight"], ["surprise", "surprise: −log-probability"], ["entropy", "entropy"]]) {
    choice.append(make("option", { value, selected: value === colouring }, words));
  }
  choice.addEventListener("change", () => {
    colouring = choice.value;
    for (const run of document.querySelectorAll("#group details.run[open]")) fillRun(group, run);
    range();
  });
  const scale = make("span", {});
  const range = () => {
    const most = number(largest(group));
    const low = colouring === "credit" ? `−${most}` : "";
    scale.replaceChildren(` ${low} `, make("span", { className: "scale" }), ` ${most}`);
  };
  range();
  return make("p", {}, make("label", {}, "Tokens are coloured by ", choice), scale);
}

function valueOf(tokens, place) {
  if (colouring === "credit") return tokens.credit.length ? at(tokens.credit, place) : 0;
  if (colouring === "surprise") return tokens.logprobs.length ? -tokens.logprobs[place] : 0;
  return tokens.entropies.length ? tokens.entropies[place] : 0;
}

function largest(group) {
  let most = 0;
  for (const run of group.runs) {
    for (const turn of run.turns) {
      turn.tokens.ids.forEach((_, place) => { most = Math.max(most, Math.abs(valueOf(turn.tokens, place))); });
    }
  }
  return most;
}

function runOf(group, run, member) {
  const parts = Object.entries(run.rewards).map(([name, value]) => `${name} ${number(value)}`).join(", ");
  const count = run.turns.reduce((sum, turn) => sum + turn.tokens.ids.length, 0);
  const words = [`run ${member}`, run.infra ? `world broke: ${run.infra}` : run.passed ? "passed" : "failed",
    `reward ${number(run.reward)}${parts ? ` (${parts})` : ""}`, `${run.turns.length} turns`, `${count} tokens`, run.status];
  if (run.truncated) words.push("cut off");
  const box = make("details", { className: "run", id: `run-${member}` }, make("summary", {}, words.join(" · ")));
  box.dataset.member = member;
  box.addEventListener("toggle", () => { if (box.open && box.children.length === 1) fillRun(group, box); });
  return box;
}

function fillRun(group, box) {
  const run = group.runs[Number(box.dataset.member)];
  const most = largest(group) || 1;
  const inside = make("div", {});
  const facts = Object.entries(run.facts);
  if (facts.length) {
    inside.append(make("p", { className: "dim" }, facts.map(([name, value]) => `${name} ${number(value)}`).join(" · ")));
  }
  run.turns.forEach((turn, place) => inside.append(turnOf(group, turn, place, most)));
  box.replaceChildren(box.firstElementChild, inside);
}

function turnOf(group, turn, place, most) {
  const words = [`turn ${place + 1}`, turn.purpose, `the same in ${turn.shared} of ${group.runs.length}`, `version ${turn.version}`];
  if (turn.score !== null) words.push(`tests ${percent(turn.score)}`);
  if (turn.value !== null) words.push(`value ${number(turn.value)}`);
  const head = make("div", { className: "dim" }, words.join(" · "));
  if (turn.malformed) head.append(make("span", { className: "badge wrong" }, "malformed"));
  if (turn.finish !== "stop") head.append(make("span", { className: "badge wrong" }, turn.finish));
  const tokens = make("div", { className: turn.tokens.texts.length ? "tokens" : "tokens ids" });
  turn.tokens.ids.forEach((id, number_) => tokens.append(tokenOf(turn.tokens, id, number_, most)));
  const box = make("div", { className: "turn" }, head, tokens);
  if (!turn.tokens.texts.length && turn.said) box.append(make("pre", {}, turn.said));
  if (turn.observation) box.append(make("pre", { className: "observation" }, turn.observation));
  return box;
}

function tokenOf(tokens, id, place, most) {
  const value = valueOf(tokens, place);
  const span = make("span", {}, tokens.texts.length ? tokens.texts[place] : String(id));
  const share = Math.round(85 * Math.min(1, Math.abs(value) / most));
  if (share) span.style.backgroundColor = `color-mix(in srgb, var(--${value < 0 ? "minus" : "plus"}) ${share}%, transparent)`;
  const words = [`id ${id}`];
  if (tokens.credit.length) {
    words.push(`advantage ${number(at(tokens.advantages, place))} × weight ${number(at(tokens.weights, place))} = ${number(at(tokens.credit, place))}`);
  }
  if (tokens.logprobs.length) {
    const log = tokens.logprobs[place];
    words.push(`log-prob ${number(log)} (p ${number(Math.exp(log))})`);
  }
  if (tokens.entropies.length) words.push(`entropy ${number(tokens.entropies[place])} nats`);
  span.title = words.join("\n");
  span.addEventListener("mouseenter", () => { byId("token").textContent = words.join("   "); });
  return span;
}

byId("title").textContent = shown.title;
byId("about").textContent = `credit: ${shown.credit}`;
byId("notes").append(...shown.notes.map((note) => make("li", {}, note)));
byId("filter").addEventListener("input", (event) => listGroups(event.target.value));
listGroups("");
if (shown.groups.length) showGroup(0);
