// Elements, words and requests. What is shown may come from strangers: data becomes text, by `el`
// and `shown`, and never mark-up.

export const OUTCOMES = { waiting: "waiting", delivering: "in the function", stored: "stored", superseded: "superseded", handedOver: "mailed", completed: "completed", deadLettered: "dead letter", redriven: "redriven" };
export const calm = matchMedia("(prefers-reduced-motion: reduce)");
export const $ = (id) => document.getElementById(id);

// Characters that are not seen, or that turn the text around, as escapes.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
export const shown = (text) => String(text).toWellFormed().replace(HIDDEN, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
export const line = (text) => shown(text).replace(/[\n\t]/g, (c) => (c === "\n" ? "\\n" : "\\t"));

const add = (node, children) => node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false).map((child) => (child instanceof Node ? child : shown(child))));
export const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  add(node, children);
  return node;
};
export const svg = (tag, attributes = {}, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  add(node, children);
  return node;
};
export const button = (label, onclick, attributes = {}) => el("button", { type: "button", class: "small", onclick, ...attributes }, label);
export const put = (id, text) => { const node = $(id); if (node.textContent !== text) node.textContent = text; };
export const clock = (at) => el("time", { datetime: at }, at ? new Date(at).toLocaleTimeString("en-GB") : "");
export const short = (session) => (session === null || session === undefined ? "(no session)" : session.length > 12 ? `${session.slice(0, 4)}…${session.slice(-4)}` : session);
export const number = (n) => n.toLocaleString("en");
export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
export const span = (ms) => (ms < 10 ? `${Math.round(ms * 10) / 10} ms` : ms < 1_000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`);

// Counts down by itself, once a second.
export const due = (before, at) => el("span", { class: "due", "data-due": at, "data-before": before }, dueText(before, at));
const dueText = (before, at) => {
  const left = Math.ceil((Date.parse(at) - Date.now()) / 1_000);
  return left > 0 ? `${before} in ${left} s` : `${before} now`;
};
setInterval(() => { for (const node of document.querySelectorAll("[data-due]")) { const text = dueText(node.dataset.before, node.dataset.due); if (node.textContent !== text) node.textContent = text; } }, 500);

export const api = async (path, method = "GET", body) => {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await fetch(`/api/${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  const value = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Error(value?.error ?? `${response.status} ${response.statusText}`);
  return value;
};
// What a person asked for, and a word if it cannot be done: where it was asked.
export const asked = (act, where = "posted") => act().catch((error) => { if ($(where)) put(where, shown(error.message)); });
// At most one call at a time, and one more when something came in between.
export const calmly = (act) => {
  let running = false, again = false;
  return async () => {
    if (running) { again = true; return; }
    running = true;
    do { again = false; try { await act(); } catch { /* the next change asks again */ } await new Promise((done) => setTimeout(done, 250)); } while (again);
    running = false;
  };
};

// A JSON line of the handler in words, without what stands beside it.
const BESIDE = ["timestamp", "level", "message", "target", "span", "invocation_id", "session", "message_id", "sequence_number", "trace_id"];
export const readable = (text) => {
  try {
    const fields = JSON.parse(text);
    if (typeof fields.message !== "string") return text;
    const rest = Object.entries(fields).filter(([key, value]) => !BESIDE.includes(key) && value !== null);
    return [fields.message, ...rest.map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)].join("  ");
  } catch { return text; }
};

// A condition that does not hold (409, 412) is the write protocol at work, and no failure.
export const verdict = (answer) => (answer.startsWith("2") ? "ok" : ["…", "409", "412"].includes(answer) ? "" : "no");
export const tries = (uploads) => uploads.map((answer) => el("span", { class: `try ${verdict(answer)}` }, answer));
