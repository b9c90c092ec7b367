// The dashboard's page. It takes a snapshot (/api/state), then changes (/api/events).
// What it shows may come from strangers: data becomes text, by `el` and `shown`, and never mark-up.
"use strict";

const SHOWN = 60; // rows of messages
const CHIPS = { shop: 4, queue: 18, function: 18, storage: 10, person: 10, dead: 6 }; // of one station
const STEP = 260; // milliseconds that a message stays where it can be seen
const PRODUCTS = ["Ball", "Ball Launcher", "Plush Lamb", "Plush Moose", "Large Breed Dry Food", "Small Breed Dry Food", "Mouse", "Scratcher", "All Sizes Cat Dry Food", "Mangrove Ornament", "All Sizes Fish Food"];
const OUTCOMES = { waiting: "waiting", delivering: "in the function", stored: "stored", superseded: "superseded", handedOver: "mailed", completed: "completed", deadLettered: "dead letter", redriven: "redriven" };
const PLACES = { waiting: "queue", delivering: "function", stored: "storage", superseded: "storage", redriven: "storage", handedOver: "person", completed: "function", deadLettered: "dead" };
const WAY = ["shop", "queue", "function"];
const FAULTS = { // as the API names them, on the button, in a sentence
  storage: [
    ["refuses", "refuses", "refuses connections"], ["503", "503", "answers 503"], ["429", "429", "answers 429 with Retry-After"],
    ["slow", "slow", "answers 3 s late"], ["hangs", "hangs", "never answers"],
    ["applies-but-loses-the-reply", "loses the reply", "writes, and loses the reply"], ["forbids", "forbids", "answers 403"], ["flaky", "flaky", "fails at random"],
  ],
  logicApp: [["down", "down", "is down"], ["502", "502", "answers 502"], ["hangs", "hangs", "never answers"], ["flaky", "flaky", "fails at random"]],
};
const NAMES = { storage: "Blob Storage", logicApp: "The Logic App" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const $ = (id) => document.getElementById(id);

// Characters that are not seen, or that turn the text around, as escapes.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const shown = (text) => String(text).toWellFormed().replace(HIDDEN, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
const line = (text) => shown(text).replace(/[\n\t]/g, (c) => (c === "\n" ? "\\n" : "\\t"));

const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : shown(child))));
  return node;
};
const put = (id, text) => { const node = $(id); if (node.textContent !== text) node.textContent = text; };
const clock = (at) => el("time", { datetime: at }, at ? new Date(at).toLocaleTimeString("en-GB") : "");
const short = (session) => (session === null || session === undefined ? "(no session)" : session.length > 12 ? `${session.slice(0, 4)}…${session.slice(-4)}` : session);
const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

const api = async (path, method = "GET", body) => {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(`/api/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  const value = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Error(value?.error ?? `${response.status} ${response.statusText}`);
  return value;
};
// What a person asked for, and a word if it cannot be done.
const asked = (act) => act().catch((error) => put("posted", shown(error.message)));
// At most one call at a time, and one more when something came in between.
const calmly = (act) => {
  let running = false, again = false;
  return async () => {
    if (running) { again = true; return; }
    running = true;
    do { again = false; try { await act(); } catch { /* the next change asks again */ } await new Promise((done) => setTimeout(done, 300)); } while (again);
    running = false;
  };
};

// ---- state -------------------------------------------------------------------------------------

const state = { messages: new Map(), revision: -1 };
let early = null; // ticks that arrive while the snapshot is on its way

const load = calmly(async () => {
  early = [];
  const snapshot = await api("state");
  state.messages = new Map(snapshot.messages.reverse().map((message) => [message.sequence, message]));
  for (const [sequence] of places) if (!state.messages.has(sequence)) places.delete(sequence);
  for (const message of snapshot.messages) if (!places.has(message.sequence)) places.set(message.sequence, PLACES[message.stage]);
  $("activity").replaceChildren();
  $("links").replaceChildren(...snapshot.links.map(({ name, url }) => el("li", {}, el("a", { href: url }, name))));
  const shop = snapshot.links.find(({ name }) => name.toLowerCase() === "petstore");
  $("shop").replaceChildren(...(shop ? [", or ", el("a", { href: shop.url }, "open the shop")] : []));
  $("faults-storage").hidden = $("arm").hidden = !snapshot.has.storage;
  $("faults-logicApp").hidden = !snapshot.has.logicApp;
  apply(snapshot);
  const ticks = early;
  early = null;
  ticks.forEach(apply);
  lists.blobs(); lists.mails(); lists.dead();
});

const apply = (tick) => {
  if (early && !tick.links) { early.push(tick); return; }
  if (tick.revision < state.revision && !tick.links) return;
  const before = { ...state };
  Object.assign(state, { ...tick, messages: state.messages });
  if (!tick.links) for (const message of tick.messages.reverse()) state.messages.set(message.sequence, message);
  const sequences = [...state.messages.keys()].sort((a, b) => a - b);
  for (const old of sequences.slice(0, -100)) { state.messages.delete(old); places.delete(old); }
  tell(tick);
  rows(tick.messages);
  move();
  if (before.writes !== state.writes) lists.blobs();
  if (before.mails !== state.mails) lists.mails();
  if (before.counts?.deadLettered !== state.counts.deadLettered) lists.dead();
  if (opened.sequence !== undefined && tick.messages.some((message) => message.sequence === opened.sequence)) reopen();
};

const tell = ({ activity }) => {
  const { counts, totals, handler, faults } = state;
  put("waiting", counts.active.toLocaleString("en"));
  put("dead", counts.deadLettered.toLocaleString("en"));
  put("stored", state.writes.toLocaleString("en"));
  put("handed", totals.handedOver.toLocaleString("en"));
  put("handler", handler.ready ? "ready" : "not ready");
  $("handler").classList.toggle("up", handler.ready);
  put("flight", `, ${count(counts.locked, "message")} in flight`);
  const refused = state.refused.storage ? `, ${count(state.refused.storage, "connection")} refused` : "";
  put("uploads", ` ${state.writes === 1 ? "write" : "writes"}, ${count(totals.uploadsFailed, "upload")} failed${refused}`);
  put("totals", `${count(totals.accepted, "message")} in this run: ${totals.stored.toLocaleString("en")} stored, ${totals.superseded.toLocaleString("en")} superseded, ${totals.handedOver.toLocaleString("en")} mailed, ${totals.released.toLocaleString("en")} given back, ${totals.deadLettered.toLocaleString("en")} dead-lettered`);
  for (const part of ["storage", "logicApp"]) {
    for (const button of $(`faults-${part}`).querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.fault === faults[part]));
  }
  $("arm").setAttribute("aria-pressed", String(handler.armed));
  const broken = Object.keys(FAULTS).filter((part) => faults[part] !== "none").map((part) => `${NAMES[part]} ${FAULTS[part].find(([name]) => name === faults[part])?.[2] ?? faults[part]}.`);
  if (handler.armed) broken.push("The handler dies at the next upload.");
  $("banner").hidden = broken.length === 0;
  put("broken", broken.join(" "));
  document.querySelector(".storage").classList.toggle("broken", faults.storage !== "none");
  document.querySelector(".person").classList.toggle("broken", faults.logicApp !== "none");
  document.querySelector(".function").classList.toggle("broken", handler.armed || !handler.ready);
  const list = $("activity");
  for (const entry of activity) list.prepend(el("li", { class: entry.level }, clock(entry.at), el("span", {}, line(readable(entry.text)))));
  while (list.children.length > 100) list.lastChild.remove();
  list.toggleAttribute("tabindex", false);
  if (list.scrollHeight > list.clientHeight) list.tabIndex = 0;
  $("no-activity").hidden = list.children.length > 0;
};

// A JSON line of the handler in words, without what stands beside it.
const BESIDE = ["timestamp", "level", "message", "target", "span", "invocation_id", "session", "message_id", "sequence_number", "trace_id"];
const readable = (text) => {
  try {
    const fields = JSON.parse(text);
    if (typeof fields.message !== "string") return text;
    const rest = Object.entries(fields).filter(([key, value]) => !BESIDE.includes(key) && value !== null);
    return [fields.message, ...rest.map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)].join("  ");
  } catch { return text; }
};

// ---- messages: rows, and chips that move -----------------------------------------------------------

const tries = (uploads) => uploads.map((answer) => el("span", { class: `try ${answer.startsWith("2") ? "ok" : answer === "…" ? "" : "no"}` }, answer));
const rowOf = new Map();

const rows = (changed) => {
  const list = $("messages");
  for (const message of changed) {
    const row = el("button", { type: "button", class: "row", onclick: () => open(message.sequence) },
      el("span", { class: "number" }, `#${message.sequence}`),
      el("span", { class: "what" }, line(message.contents)),
      el("span", { class: `pill ${message.stage}` }, OUTCOMES[message.stage]),
      el("span", { class: "rest" }, line(short(message.sessionId)), message.deliveryCount > 1 ? `, delivery ${message.deliveryCount}` : "", message.uploads.length ? ", uploads" : "", ...tries(message.uploads)),
      el("span", { class: "when" }, clock(message.changed)));
    const known = rowOf.get(message.sequence);
    if (known) {
      const focused = known.contains(document.activeElement);
      known.replaceChildren(row);
      if (focused) row.focus({ preventScroll: true });
    } else {
      rowOf.set(message.sequence, el("li", { "data-sequence": message.sequence }, row));
    }
  }
  const newest = [...state.messages.keys()].sort((a, b) => b - a).slice(0, SHOWN);
  for (const sequence of rowOf.keys()) if (!newest.includes(sequence)) { rowOf.get(sequence).remove(); rowOf.delete(sequence); }
  newest.forEach((sequence, index) => {
    const row = rowOf.get(sequence);
    if (row && list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  $("no-messages").hidden = newest.length > 0;
};

const places = new Map(); // where each message is shown, which may be behind where it is
let stepping = false;

// One step on its way for each message that is behind; all at once when there are many.
const move = () => {
  if (stepping) return;
  const behind = [...state.messages.values()].filter((message) => places.get(message.sequence) !== PLACES[message.stage]);
  const jump = calm.matches || document.hidden || behind.length > 24;
  for (const message of behind) {
    const aim = PLACES[message.stage];
    const at = places.get(message.sequence);
    const next = WAY[at === undefined ? 0 : WAY.indexOf(at) + 1];
    const passes = !jump && (at === undefined || WAY.includes(at)) && next !== undefined && aim !== at && WAY.indexOf(aim) < 0 ? next : aim;
    places.set(message.sequence, at === undefined && !jump ? "shop" : passes);
  }
  chips();
  if (behind.length && !jump) { stepping = true; setTimeout(() => { stepping = false; move(); }, STEP); }
};

const chipOf = new Map();
const drawn = new Map();
const chips = () => {
  const at = { shop: [], queue: [], function: [], storage: [], person: [], dead: [] };
  for (const sequence of [...state.messages.keys()].sort((a, b) => a - b)) at[places.get(sequence)]?.push(sequence);
  // The newest is first where messages stay, and the oldest where they pass.
  for (const end of ["storage", "person", "dead"]) at[end].reverse();
  const from = new Map();
  for (const [sequence, chip] of chipOf) if (chip.isConnected) from.set(sequence, [chip.getBoundingClientRect(), chip.parentNode.parentNode.id]);
  const focused = document.activeElement;
  const shownNow = new Set();
  for (const [place, sequences] of Object.entries(at)) {
    const few = sequences.slice(0, CHIPS[place]);
    few.forEach((sequence) => shownNow.add(sequence));
    const total = place === "queue" ? state.counts.active : place === "dead" ? state.counts.deadLettered : sequences.length;
    const hiddenOnes = ["queue", "function", "dead"].includes(place) ? Math.max(0, total - few.length) : 0;
    const key = `${few.map((sequence) => sequence + state.messages.get(sequence).stage)}|${hiddenOnes}`;
    if (drawn.get(place) === key) continue;
    drawn.set(place, key);
    const items = few.map((sequence) => el("li", {}, chip(sequence)));
    if (hiddenOnes) items.push(el("li", { class: "more" }, `and ${hiddenOnes.toLocaleString("en")} more`));
    $(`chips-${place}`).replaceChildren(...items);
  }
  for (const sequence of chipOf.keys()) if (!shownNow.has(sequence)) chipOf.delete(sequence);
  if (focused?.classList?.contains("chip") && focused.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  if (calm.matches) return;
  for (const [sequence, [rect, list]] of from) {
    const chip = chipOf.get(sequence);
    if (!chip?.isConnected || chip.parentNode.parentNode.id === list) continue;
    const now = chip.getBoundingClientRect();
    chip.animate([{ transform: `translate(${rect.left - now.left}px, ${rect.top - now.top}px)` }, { transform: "none" }], { duration: STEP * 1.4, easing: "ease-in-out" });
  }
};
const chip = (sequence) => {
  const { stage } = state.messages.get(sequence);
  const node = chipOf.get(sequence) ?? el("button", { type: "button", onclick: () => open(sequence) }, `#${sequence}`);
  node.className = `chip ${stage}`;
  node.setAttribute("aria-label", `Message ${sequence}, ${OUTCOMES[stage]}`);
  chipOf.set(sequence, node);
  return node;
};

// ---- the other lists -------------------------------------------------------------------------------

const fill = (id, items) => {
  const list = $(id);
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...items);
  if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  $(`no-${id}`).hidden = items.length > 0;
};
const lists = {
  blobs: calmly(async () => fill("blobs", (await api("blobs")).map((blob) => el("li", {}, el("button", { type: "button", class: "row wide", "data-key": blob.name, onclick: () => openBlob(blob.container, blob.name) },
    el("span", { class: "what mono" }, line(blob.name)), el("span", { class: "pill" }, count(blob.versions, "version")),
    el("span", { class: "rest" }, line(blob.contents)), el("span", { class: "when" }, clock(blob.at))))))),
  mails: calmly(async () => fill("mails", (await api("mails")).reverse().slice(0, 50).map((mail) => el("li", {}, el("button", { type: "button", class: "row wide", "data-key": `mail-${mail.number}`, onclick: () => openMail(mail.number) },
    el("span", { class: "what" }, line(mail.subject)), el("span", { class: "when" }, clock(mail.at)), el("span", { class: "rest" }, `to ${line(mail.to)}`)))))),
  dead: calmly(async () => {
    const letters = await api("dead-letters");
    $("redrive-all").hidden = letters.length === 0;
    fill("dead-letters", letters.slice(0, 50).map((letter) => el("li", {},
      el("button", { type: "button", class: "row wide", "data-key": `letter-${letter.sequence}`, onclick: () => openLetter(letter) },
        el("span", { class: "what" }, `#${letter.sequence}  ${line(letter.contents)}`), el("span", { class: "when" }, clock(letter.deadLetteredAt)),
        el("span", { class: "rest" }, `${line(short(letter.sessionId))}, ${letter.reason} after ${count(letter.deliveryCount, "delivery", "deliveries")}`)),
      el("button", { type: "button", class: "small", "data-key": `redrive-${letter.sequence}`, "aria-label": `Redrive ${letter.sequence}`, onclick: (event) => redrive(event.currentTarget, letter.sequence) }, "Redrive"))));
  }),
};

const redrive = async (button, sequence) => {
  button.disabled = true;
  $("redriven").replaceChildren(el("p", { class: "quiet" }, "The operator's tool is at work …"));
  try {
    const { complete, lines } = await api("dead-letters/redrive", "POST", sequence === undefined ? {} : { sequence });
    const end = complete ? "Done." : "Not every letter could be brought home.";
    $("redriven").replaceChildren(el("p", {}, end), el("pre", {}, lines.join("\n")));
  } catch (error) {
    $("redriven").replaceChildren(el("p", {}, error.message));
  }
  button.disabled = false;
  lists.dead();
};

// ---- the dialog ------------------------------------------------------------------------------------

const opened = { sequence: undefined, from: null };
const show = (title, content) => {
  const dialog = $("dialog");
  put("dialog-title", shown(title));
  const body = $("dialog-body");
  const top = body.scrollTop;
  body.replaceChildren(...content.filter(Boolean));
  if (!dialog.open) { opened.from = document.activeElement; dialog.showModal(); body.scrollTop = 0; $("close").focus(); } else body.scrollTop = top;
};
const part = (title, ...content) => el("section", {}, el("h3", {}, title), ...content);
const facts = (pairs) => el("dl", { class: "facts" }, ...pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value instanceof Node ? value : line(value))]));
const pretty = (body) => {
  if (body.encoding === "utf-8") {
    try { return JSON.stringify(JSON.parse(body.data), null, 2); } catch { /* as it is */ }
  }
  return body.data;
};
const sized = ({ encoding, length, truncated }) => `${count(length, "byte")}${encoding === "base64" ? ", not UTF-8: shown as base64" : ""}${truncated ? ", only the beginning is shown" : ""}`;

const open = (sequence) => asked(async () => {
  const message = await api(`messages/${sequence}`);
  opened.sequence = sequence;
  const mail = message.mail && el("button", { type: "button", class: "small", onclick: () => openMail(message.mail) }, "Open the mail");
  const blob = message.requests.findLast((request) => request.method === "PUT" && request.answer === "201")?.path.split("/");
  show(`Message #${sequence}`, [
    facts([
      ["Outcome", el("span", { class: `pill ${message.stage}` }, OUTCOMES[message.stage])], ["Reason", message.reason], ["Mail", mail || null],
      ["Blob", blob ? el("button", { type: "button", class: "small", onclick: () => openBlob(blob[2], decodeURIComponent(blob.slice(3).join("/"))) }, "Open the blob") : null],
      ["Session", message.sessionId], ["Message id", message.messageId], ["Deliveries", String(message.deliveryCount)],
      ["Enqueued", message.enqueuedTime], ["Last change", message.changed], ["Expires", message.expiresAt],
    ]),
    part("Body", el("p", { class: "quiet" }, sized(message.body)), el("pre", {}, pretty(message.body))),
    part("On the wire to Blob Storage", message.requests.length ? el("ol", { class: "wire" }, ...message.requests.map((request) => el("li", {},
      clock(request.at), el("span", { class: "path mono" }, `${request.method} ${line(request.path)}`, el("span", { class: "quiet" }, `  delivery ${request.delivery}`)), ...tries([request.answer ?? "…"])))) : el("p", { class: "quiet" }, "No request of this message was seen there.")),
    message.deliveries.length ? part("Deliveries", el("ol", { class: "wire" }, ...message.deliveries.map((delivery) => el("li", {}, el("span", {}, `Delivery ${delivery.number}`), el("span", { class: "path" }, line(delivery.ended)), el("span", { class: "quiet" }, `${delivery.tookMs} ms`))))) : null,
    part("Log lines of the handler", message.log.length ? el("ol", { class: "wire" }, ...message.log.map((entry) => el("li", { class: entry.level }, clock(entry.at), el("span", { class: "path mono text" }, line(readable(entry.text)))))) : el("p", { class: "quiet" }, "None yet.")),
    part("Properties", el("pre", {}, JSON.stringify(message.properties, null, 2))),
  ]);
});
const reopen = calmly(async () => { if (opened.sequence !== undefined && $("dialog").open) await open(opened.sequence); });

const openLetter = (letter) => {
  opened.sequence = undefined;
  show(`Dead letter #${letter.sequence}`, [
    facts([["Reason", letter.reason], ["Deliveries", String(letter.deliveryCount)], ["Session", letter.sessionId], ["Message id", letter.messageId], ["Enqueued", letter.enqueuedTime], ["Dead-lettered", letter.deadLetteredAt]]),
    part("Body", el("p", { class: "quiet" }, sized(letter.body)), el("pre", {}, pretty(letter.body))),
    part("Properties", el("pre", {}, JSON.stringify(letter.properties, null, 2))),
  ]);
};

const openMail = (number) => asked(async () => {
  const mail = await api(`mails/${number}`);
  opened.sequence = undefined;
  show(mail.subject, [
    facts([["From", mail.from], ["To", mail.to], ["At", mail.at], ["Operation", mail.operationId], ["In the outbox", el("a", { href: mail.url }, `mail ${mail.number}`)]]),
    mail.hasHtml ? el("iframe", { sandbox: "", src: `/api/mails/${number}/html`, title: "The mail as its reader sees it" }) : null,
    part("As plain text", el("pre", {}, mail.plainText ?? "(none)")),
  ]);
});

// Lines that went and came, by the longest common subsequence; long bodies are shown without.
const difference = (before, after) => {
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length * b.length > 250_000) return [shown(after)];
  const long = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) for (let j = b.length - 1; j >= 0; j -= 1) long[i][j] = a[i] === b[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
  const lines = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { lines.push(`  ${a[i]}\n`); i += 1; j += 1; }
    else if (i < a.length && (j === b.length || long[i + 1][j] >= long[i][j + 1])) { lines.push(el("del", {}, `- ${a[i]}`)); i += 1; }
    else { lines.push(el("ins", {}, `+ ${b[j]}`)); j += 1; }
  }
  return lines;
};
const openBlob = (container, name) => asked(async () => {
  const { versions } = await api(`blobs/${encodeURIComponent(container)}/${encodeURIComponent(name)}`);
  opened.sequence = undefined;
  const shownVersions = versions.map((version, index) => {
    const before = versions[index - 1];
    const { metadata } = version;
    const same = before && before.body.data === version.body.data;
    return part(`Version ${version.number}`,
      el("p", { class: "quiet" }, clock(version.at), metadata.sequence ? `, by message #${line(metadata.sequence)}` : "", `, ${sized(version.body)}`),
      same ? el("p", {}, "The same bytes as before.") : el("pre", {}, ...(before ? difference(pretty(before.body), pretty(version.body)) : [pretty(version.body)])));
  });
  show(`${container}/${name}`, shownVersions.reverse());
});

// ---- what a person does ----------------------------------------------------------------------------

const newSession = () => { $("session").value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase(); };
const post = (body) => asked(async () => {
  const { sequence, duplicate } = await api("messages", "POST", { sessionId: $("session").value, body });
  put("posted", duplicate ? "A duplicate: dropped." : `Posted as #${sequence}.`);
});
const pressed = (button) => button.getAttribute("aria-pressed") === "true";

const start = () => {
  PRODUCTS.forEach((name, index) => $("product").append(el("option", { value: index + 1, selected: index === 7 }, name)));
  newSession();
  $("fresh").addEventListener("click", newSession);
  $("post").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = Number($("product").value);
    post(JSON.stringify({ id: $("session").value, products: [{ id, name: PRODUCTS[id - 1], quantity: Number($("quantity").value) }], complete: false }));
  });
  $("raw").addEventListener("submit", (event) => { event.preventDefault(); post($("body").value); });
  for (const [part, faults] of Object.entries(FAULTS)) {
    for (const [fault, label, does] of faults) {
      const button = el("button", { type: "button", "aria-pressed": "false", "data-fault": fault, title: `${NAMES[part]} ${does}` }, label);
      button.addEventListener("click", () => asked(() => api("faults", "PUT", { [part]: pressed(button) ? "none" : fault })));
      $(`faults-${part}`).append(button);
    }
  }
  $("kill").addEventListener("click", () => asked(() => api("handler/kill", "POST")));
  $("arm").addEventListener("click", () => asked(() => api("handler/kill-during-upload", pressed($("arm")) ? "DELETE" : "POST")));
  $("heal").addEventListener("click", () => asked(async () => {
    const wish = Object.fromEntries(Object.keys(FAULTS).filter((part) => state.has[part]).map((part) => [part, "none"]));
    await Promise.all([api("faults", "PUT", wish), api("handler/kill-during-upload", "DELETE")]);
    // The button is about to go.
    $("main").focus({ preventScroll: true });
  }));
  $("redrive-all").addEventListener("click", (event) => redrive(event.currentTarget));
  $("close").addEventListener("click", () => $("dialog").close());
  $("dialog").addEventListener("click", (event) => event.target === $("dialog") && $("dialog").close());
  $("dialog").addEventListener("close", () => { opened.sequence = undefined; if (opened.from?.isConnected) opened.from.focus({ preventScroll: true }); });
  const live = (text, kind) => { put("live", text); $("live").className = `live ${kind}`; };
  const events = new EventSource("/api/events");
  events.addEventListener("open", () => live("live", "on"));
  events.addEventListener("error", () => live("the stack does not answer; trying again", "off"));
  events.addEventListener("resync", load);
  events.addEventListener("tick", (event) => apply(JSON.parse(event.data)));
  load();
};
start();
