// The page: what runs do, live, and what a person decides about them. All texts are put in as text, never as markup.

const at = (id) => document.getElementById(id);
const state = { run: null, following: null, tokens: [] };

// ---- the service

async function ask(path, body) {
  const headers = { ...authorization() };
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(path, { method: body === undefined ? "GET" : "POST", headers, body: body && JSON.stringify(body) });
  if (answer.status === 401) { at("login").hidden = false; at("runs").hidden = at("tools").hidden = true; }
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error?.message ?? JSON.stringify(said.detail ?? said));
  return said;
}

function authorization() {
  const key = sessionStorage.getItem("key");
  return key ? { authorization: `Bearer ${key}` } : {};
}

// EventSource cannot send a key, so the stream is read here; after a break it goes on behind the last event.
async function follow(run, heard) {
  const stop = new AbortController();
  let last = 0, ended = false;
  const follower = { stop: () => { ended = true; stop.abort(); } };
  (async () => {
    while (!ended) {
      try {
        const answer = await fetch(`/runs/${run}/events?after=${last}`, { headers: authorization(), signal: stop.signal });
        if (!answer.ok) return;
        for await (const event of events(answer.body)) {
          if (event.id) last = Number(event.id);
          heard(event);
          if (event.event === "status_changed" && FINAL.has(JSON.parse(event.data).event.status)) ended = true;
        }
      } catch (error) { if (!ended) say(`the connection broke, trying again: ${error.message}`); }
      if (!ended) await new Promise((again) => setTimeout(again, 1000));
    }
  })();
  return follower;
}

const FINAL = new Set(["done", "failed", "gave_up", "out_of_steps", "out_of_tokens", "out_of_time", "out_of_money", "cancelled"]);

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value.replaceAll("\r\n", "\n")).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = {};
      for (const line of part.split("\n")) {
        const [name, ...text] = line.split(": ");
        if (name) event[name] = text.join(": ");
      }
      if (event.data) yield event;
    }
  }
}

// ---- what is shown

function say(text) { at("said").textContent = text; }

function made(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function button(text, act) {
  const element = made("button", text);
  element.type = "button";
  element.onclick = () => act().then(() => say(""), (error) => say(error.message));
  return element;
}

async function list() {
  const { runs } = await ask("/runs?limit=100");
  at("list").replaceChildren(...runs.map((run) => {
    const item = made("li");
    const open = button(run.goal, () => show(run.id));
    open.title = `${run.id} · ${run.status} · ${run.tokens} tokens`;
    open.prepend(made("span", "● ", run.status));
    open.setAttribute("aria-current", run.id === state.run);
    item.append(open);
    return item;
  }));
  if (!runs.length) at("list").append(made("li", "No runs yet.", "empty"));
}

async function show(id) {
  state.following?.stop();
  state.run = id;
  state.tokens = [];
  at("events").replaceChildren();
  at("run").hidden = false;
  location.hash = id;
  await refresh();
  state.following = await follow(id, heard);
}

let due = false;
function heard(event) {
  if (event.event === "text") {
    at("writing").hidden = false;
    at("writing").textContent = (at("writing").textContent + JSON.parse(event.data).text).slice(-400);
    return;
  }
  const { seq, event: what } = JSON.parse(event.data);
  at("events").append(made("li", `${what.type} ${JSON.stringify({ ...what, type: undefined }).slice(0, 300)}`));
  at("events").lastChild.value = seq;
  if (what.type === "sampled") { at("writing").textContent = ""; at("writing").hidden = true; state.tokens.push(what); bars(); }
  if (!due) { due = true; setTimeout(() => { due = false; refresh().catch((error) => say(error.message)); }, 60); }
}

async function refresh() {
  const id = state.run;
  const run = await ask(`/runs/${id}`);
  if (id !== state.run) return;
  at("goal-shown").textContent = run.goal;
  at("status").textContent = run.status.replaceAll("_", " ");
  at("status").className = `badge ${run.status}`;
  at("reason").textContent = run.reason;
  at("answer").hidden = run.answer === null;
  at("answer").lastElementChild.textContent = run.answer ?? "";
  at("buttons").replaceChildren(...controls(run));
  if (!at("questions").contains(document.activeElement)) at("questions").replaceChildren(...questions(run));
  tree(run.plan);
  calls(run);
  rows("memory", run.memory.map((entry) => [
    entry.revision.path.join("."), JSON.stringify(entry.revision.value), `${entry.source ?? ""}${entry.untrusted ? " (untrusted)" : ""}`,
  ]), "Nothing is remembered yet.");
  const used = run.usage;
  at("usage").textContent = `${used.calls} model calls: ${used.net_encoded} tokens encoded, ${used.cached} cached, ${used.decoded} written`
    + `, ${used.seconds.toFixed(1)} s${used.cost ? `, $${used.cost.toFixed(4)}` : ""}; ${run.corrections} corrections`;
  await list();
}

function controls(run) {
  const act = (path, body = {}) => async () => { const next = await ask(`/runs/${run.id}/${path}`, body); await show(next.id); };
  const shown = [];
  if (["waiting", "interrupted"].includes(run.status)) shown.push(button("Resume", act("resume")));
  if (!FINAL.has(run.status)) shown.push(button("Cancel", act("cancel")));
  if (FINAL.has(run.status)) shown.push(button("Run again", async () => show((await ask("/runs", { goal: run.goal, options: run.options })).id)));
  return shown;
}

function questions(run) {
  const decide = (verb, body) => async () => {
    await ask(`/runs/${run.id}/${verb}`, body);
    document.activeElement.blur();  // what is being edited is left alone, and this has been decided
    await refresh();
  };
  const shown = run.waits_for.approve.map(({ call_id, reasons }) => {
    const call = run.calls.find((each) => each.id === call_id);
    const box = question(`May ${call.tool_id} be called?`, reasons);
    const edit = made("textarea", JSON.stringify(call.arguments, null, 2));
    edit.rows = 4;
    edit.setAttribute("aria-label", "Arguments");
    const why = made("input");
    why.placeholder = "Reason, told to the model";
    box.append(edit, choices(
      button("Approve", async () => {
        const given = JSON.parse(edit.value);
        const same = JSON.stringify(given) === JSON.stringify(call.arguments);
        await decide("approve", same ? { call_id } : { call_id, arguments: given })();
      }),
      button("Reject", () => decide("reject", { call_id, reason: why.value })()), why));
    return box;
  });
  for (const call_id of run.waits_for.settle) {
    const call = run.calls.find((each) => each.id === call_id);
    const box = question(`${call.tool_id} was sent, and no answer came. What became of it?`, [JSON.stringify(call.arguments)]);
    box.append(choices(...[["It succeeded", "succeeded"], ["It failed", "failed"], ["It did not run: call it", "retry"]]
      .map(([text, became]) => button(text, decide("settle", { call_id, became })))));
    shown.push(box);
  }
  if (run.waits_for.plan) {
    const box = question("Run this plan?", Object.entries(run.plan.cost).map(([name, value]) => `${name}: about ${Math.round(value * 100) / 100}`));
    box.append(choices(button("Approve the plan", decide("approve", { plan: true })), button("Refuse it", decide("reject", { plan: true }))));
    shown.push(box);
  }
  return shown;
}

function question(text, reasons) {
  const box = made("div", undefined, "question");
  const why = made("ul");
  why.append(...reasons.map((reason) => made("li", reason)));
  box.append(made("strong", text), why);
  return box;
}

function choices(...elements) {
  const row = made("div", undefined, "row");
  row.append(...elements);
  return row;
}

function tree(plan) {
  const drawn = (node) => {
    const item = made("li", undefined, node.state);
    item.append(made("span", { taken: "✓ ", here: "▸ ", failed: "✗ ", abandoned: "– ", open: "○ " }[node.state] ?? ""), made("code", node.key));
    if (node.error) item.append(made("small", ` ${node.error}`));
    if (node.children.length) { const below = made("ul"); below.append(...node.children.map(drawn)); item.append(below); }
    return item;
  };
  at("tree").replaceChildren(...(plan?.children.map(drawn) ?? [made("li", "This run has no plan tree.", "empty")]));
}

function calls(run) {
  rows("calls", run.calls.map((call) => [call.id.split("-").pop(), call.state, `${call.tool_id} ${JSON.stringify(call.arguments)}`, call.text ?? ""]), "No call was made yet.");
  for (const [number, call] of run.calls.entries()) at("calls").tBodies[0].rows[number].cells[1].className = call.state;
}

function rows(id, values, none) {
  const body = at(id).tBodies[0];
  body.replaceChildren(...values.map((cells) => {
    const row = made("tr");
    row.append(...cells.map((text) => made("td", text)));
    return row;
  }));
  if (!values.length) { const row = made("tr"); const cell = made("td", none, "empty"); cell.colSpan = 9; row.append(cell); body.append(row); }
}

function bars() {
  const most = Math.max(1, ...state.tokens.map(({ usage }) => (usage.encoded ?? 0) + (usage.decoded ?? 0)));
  const width = 100 / Math.max(state.tokens.length, 12);
  const drawn = state.tokens.flatMap(({ usage, purpose }, place) => {
    const parts = [["--line", usage.cached ?? 0, "cached"], ["--mark", (usage.encoded ?? 0) - (usage.cached ?? 0), "encoded"], ["--good", usage.decoded ?? 0, "written"]];
    let below = 0;
    return parts.map(([colour, count, kind]) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = (count / most) * 100;
      below += height;
      for (const [name, value] of Object.entries({ x: `${place * width}%`, width: `${width * .8}%`, y: `${100 - below}%`, height: `${height}%`, fill: `var(${colour})` })) bar.setAttribute(name, value);
      const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
      title.textContent = `${purpose}: ${count} ${kind}`;
      bar.append(title);
      return bar;
    });
  });
  at("tokens").replaceChildren(...drawn);
}

// ---- what a person does

at("new").onsubmit = async (event) => {
  event.preventDefault();
  const options = {};
  if (at("planner").value) options.planner = at("planner").value;
  if (at("plan-first").checked) options.approve_plan = true;
  try { await show((await ask("/runs", { goal: at("goal").value, options })).id); at("goal").value = ""; say(""); } catch (error) { say(error.message); }
};

at("search").onsubmit = async (event) => {
  event.preventDefault();
  try {
    const { tools } = await ask(`/tools?query=${encodeURIComponent(at("query").value)}`);
    at("found").replaceChildren(...tools.map((tool) => {
      const item = made("li");
      const schema = made("details");
      schema.append(made("summary", "Input schema"), made("pre", JSON.stringify(tool.input_schema, null, 2)));
      item.append(made("strong", tool.tool_id), made("span", tool.callable ? "" : " (its server is not connected)", "empty"), made("p", tool.description), schema);
      return item;
    }));
    if (!tools.length) at("found").append(made("li", "No tool was found.", "empty"));
    say("");
  } catch (error) { say(error.message); }
};

at("login").onsubmit = async (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", at("key").value);
  at("login").hidden = true;
  await start();
};

for (const tab of document.querySelectorAll("[data-view]")) tab.onclick = () => {
  for (const other of document.querySelectorAll("[data-view]")) {
    other.setAttribute("aria-pressed", other === tab);
    at(other.dataset.view).hidden = other !== tab;
  }
};

async function start() {
  try { await list(); at("runs").hidden = false; say(""); } catch (error) { return say(error.message); }
  if (location.hash.length > 1) show(location.hash.slice(1)).catch((error) => say(error.message));
}

start();
