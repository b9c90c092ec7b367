// What is opened: a message, a mail, a blob, the keys.

import { $, OUTCOMES, api, asked, button, calmly, clock, count, due, el, line, put, readable, shown, span } from "./dom.js";
import { way, waits } from "./way.js";
import { state } from "./messages.js";

export const opened = { sequence: undefined, from: null };
const show = (title, content) => {
  const dialog = $("dialog");
  put("dialog-title", shown(title));
  const body = $("dialog-body");
  const top = body.scrollTop;
  const focused = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const unfolded = [...body.querySelectorAll("details[open]")].map((it) => it.dataset.key);
  body.replaceChildren(...content.filter(Boolean));
  for (const key of unfolded) { const it = key && body.querySelector(`details[data-key="${key}"]`); if (it) it.open = true; }
  if (focused) body.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
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
const folded = (key, title, ...content) => el("details", { "data-key": key }, el("summary", {}, title), ...content);
const said = () => el("p", { class: "quiet", id: "said", role: "status" });

// As a command of a POSIX shell. A body that is no text, or has characters that nobody sees, comes
// from this page. A text is raw data: after --data-binary one that begins with @ would name a file.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const ascii = (text) => text.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
export const curl = (message) => {
  const url = state.links.find(({ name }) => name === "queue")?.url ?? "";
  const properties = message.sessionId === null ? "" : ` \\\n  -H ${quoted(`BrokerProperties: ${ascii(JSON.stringify({ SessionId: message.sessionId }))}`)}`;
  const plain = message.body.encoding === "utf-8" && !message.body.truncated && shown(message.body.data) === message.body.data;
  const head = `curl -i ${quoted(url)} \\\n  -H 'Content-Type: application/json'${properties} \\\n  `;
  return plain ? `${head}--data-raw ${quoted(message.body.data)}` : `curl -s ${quoted(`${location.origin}/api/messages/${message.sequence}/body`)} | ${head}--data-binary @-`;
};

const about = (message) => {
  const { held } = message;
  const isOurs = held === undefined || held.by === "host";
  const who = held && line(held.by === "rest" ? "A client of REST" : held.client || `Receiver ${held.by}`);
  const told = isOurs ? waits(message, state) : [`${who} holds it, and settles it or gives it back.`, { before: "Its lock ends", due: held.until }];
  if (!told) return null;
  const again = message.stage === "delivering" ? button("Deliver it again now", () => asked(async () => { await api(`messages/${message.sequence}/redeliver`, "POST"); }, "said"), { "data-key": "again-now" }) : null;
  return el("div", { class: "waits" }, el("p", {}, ...told.flatMap((it) => (it.due ? [due(it.before, it.due), ". "] : [it, " "]))),
    again, again ? el("p", { class: "quiet" }, `Its lock is taken from ${isOurs ? "the function" : "its holder"}, as a lost network would, and the queue hands it out at once: that uses up one of its ten deliveries. ${isOurs ? "The function goes on with the old one, whose answer settles nothing." : ""}`) : null);
};

export const open = (sequence) => asked(async () => {
  const message = await api(`messages/${sequence}`);
  opened.sequence = sequence;
  const mail = message.mail && button("Open the mail", () => openMail(message.mail), { "data-key": "mail" });
  const blob = message.requests.findLast((request) => request.method === "PUT" && request.answer === "201" && request.path.split("/").length > 3)?.path.split("/");
  const isDead = message.stage === "deadLettered";
  const command = curl(message);
  show(`Message #${sequence}`, [
    el("div", { class: "acts" }, el("span", { class: `pill ${message.stage}` }, OUTCOMES[message.stage]), message.tookMs === null ? null : el("span", { class: "quiet" }, `after ${span(message.tookMs)}`),
      mail || null, blob ? button("Open the blob", () => openBlob(blob[2], decodeURIComponent(blob.slice(3).join("/"))), { "data-key": "blob" }) : null,
      el("a", { class: "button small", href: `/api/messages/${sequence}/body`, download: `message-${sequence}.json` }, "Download"),
      button("Copy as curl", () => asked(async () => { await navigator.clipboard.writeText(command); put("said", "Copied."); }, "said"), { "data-key": "curl" })),
    said(),
    about(message),
    part("Its way", way(message)),
    part("Body", el("p", { class: "quiet" }, sized(message.body)), el("pre", {}, pretty(message.body))),
    facts([["Reason", message.reason], ["Session", message.sessionId], ["Message id", message.messageId], ["Trace", message.traceId], ["Deliveries", String(message.deliveryCount)],
      ["Enqueued", message.enqueuedTime], ["Last change", message.changed], ["Expires", message.expiresAt]]),
    folded("log", `Log lines of the handler (${message.log.length})`, message.log.length ? el("ol", { class: "lines" }, ...message.log.map((entry) => el("li", { class: entry.level }, clock(entry.at), el("b", {}, entry.level), el("span", {}, line(readable(entry.text)))))) : el("p", { class: "quiet" }, "None yet.")),
    folded("wire", `On the wire to Blob Storage (${message.requests.length})`, el("ol", { class: "wire" }, ...message.requests.map((request) => el("li", {}, clock(request.at), el("span", { class: "path mono" }, `${request.method} ${line(request.path)}`), el("span", {}, request.answer ?? "…"))))),
    folded("properties", "Properties", el("pre", {}, JSON.stringify(message.properties, null, 2))),
    folded("command", "As curl", el("pre", {}, command)),
    folded("repost", "Post it again as a new message …", el("p", {}, `A new message gets a new number and is the newest of its session: an old cart would replace what was ordered since.${isDead ? " To bring this letter home use Redrive, which keeps its number." : ""}`),
      button("Post as a new message", () => asked(async () => { const { sequence: posted } = await api(`messages/${sequence}/again`, "POST"); put("said", `Posted as #${posted}.`); }, "said"), { "data-key": "repost" })),
  ]);
});
export const reopen = calmly(async () => { if (opened.sequence !== undefined && $("dialog").open) await open(opened.sequence); });

// What was read is known to this browser alone, by the operation, which outlives a restart.
const READ = "read-mails";
const read = () => { try { return JSON.parse(localStorage.getItem(READ) ?? "[]"); } catch { return []; } };
export const unread = (mail) => !read().includes(mail.operationId);
const mark = (mail, isRead) => {
  const others = read().filter((id) => id !== mail.operationId);
  try { localStorage.setItem(READ, JSON.stringify([...others, ...(isRead ? [mail.operationId] : [])].slice(-1_000))); } catch { /* a browser that keeps nothing */ }
  document.dispatchEvent(new Event("mails"));
};

export const openMail = (number) => asked(async () => {
  const mail = await api(`mails/${number}`);
  opened.sequence = undefined;
  mark(mail, true);
  const message = [...state.messages.values()].find((it) => it.mail === number);
  show(mail.subject, [
    el("div", { class: "acts" }, el("a", { class: "button small", href: mail.url }, "Download .eml"), message ? button(`Open message #${message.sequence}`, () => open(message.sequence), {}) : null,
      button("Mark as unread", () => { mark(mail, false); $("dialog").close(); }),
      button("Delete", () => asked(async () => { await api(`mails/${number}`, "DELETE"); document.dispatchEvent(new Event("mails")); $("dialog").close(); }, "said"))),
    said(),
    facts([["From", mail.from], ["To", mail.to], ["At", mail.at], ["Operation", mail.operationId]]),
    mail.attachments.length ? part("Attached", ...mail.attachments.map(({ name, url, body }) => el("div", { class: "attached" },
      el("div", { class: "acts" }, el("a", { class: "button small", href: url, download: shown(name) }, `Download ${line(name)}`), el("span", { class: "quiet" }, sized(body))),
      el("pre", {}, pretty(body))))) : null,
    mail.hasHtml ? el("iframe", { sandbox: "", src: `/api/mails/${number}/html`, title: "The mail as its reader sees it" }) : null,
    folded("plain", "As plain text", el("pre", {}, mail.plainText ?? "(none)")),
  ]);
});

// Both sides line by line, by the longest common subsequence: what went stands left, what came right.
const sides = (before, after) => {
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length * b.length > 250_000) return [[shown(before)], [shown(after)]];
  const long = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) for (let j = b.length - 1; j >= 0; j -= 1) long[i][j] = a[i] === b[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
  const left = [], right = [];
  const level = () => { while (left.length < right.length) left.push(el("i", {}, " ")); while (right.length < left.length) right.push(el("i", {}, " ")); };
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { level(); left.push(el("i", {}, `${a[i]} `)); right.push(el("i", {}, `${b[j]} `)); i += 1; j += 1; }
    else if (i < a.length && (j === b.length || long[i + 1][j] >= long[i][j + 1])) { left.push(el("del", {}, a[i])); i += 1; }
    else { right.push(el("ins", {}, b[j])); j += 1; }
  }
  level();
  return [left, right];
};
const compared = (versions, left, right) => {
  const [a, b] = [versions[left], versions[right]];
  if (a === b) return el("div", { class: "sides" }, el("pre", {}, pretty(b.body)));
  const [before, after] = sides(pretty(a.body), pretty(b.body));
  const same = a.body.data === b.body.data ? el("p", { class: "quiet" }, "The same bytes.") : null;
  return el("div", {}, same, el("div", { class: "sides" }, el("pre", { "aria-label": `Version ${a.number}` }, ...before), el("pre", { "aria-label": `Version ${b.number}` }, ...after)));
};
export const openBlob = (container, name) => asked(async () => {
  const { versions, newerMail } = await api(`blobs/${encodeURIComponent(container)}/${encodeURIComponent(name)}`);
  opened.sequence = undefined;
  if (!versions.length) { show(`${container}/${name}`, [el("p", {}, "It is not there any more.")]); return; }
  const word = ({ number, at, metadata, body }) => `${number}: ${new Date(at).toLocaleTimeString("en-GB")}${metadata.sequence ? `, by #${line(metadata.sequence)}` : ""}, ${count(body.length, "byte")}${at < state.started ? ", before this run" : ""}`;
  const last = versions.length - 1;
  const pick = (label, chosen) => el("label", {}, label, el("select", {}, ...versions.map((version, index) => el("option", { value: index, selected: index === chosen }, word(version)))));
  const left = pick("Left", Math.max(0, last - 1)), right = pick("Right", last);
  const place = el("div", {});
  const save = el("a", { class: "button small" });
  const draw = () => {
    const { number } = versions[Number(right.lastChild.value)];
    save.href = `/api/blobs/${encodeURIComponent(container)}/${encodeURIComponent(name)}/${number}`;
    save.download = name.split("/").at(-1);
    save.textContent = `Download version ${number}`;
    place.replaceChildren(compared(versions, Number(left.lastChild.value), Number(right.lastChild.value)));
  };
  for (const it of [left, right]) it.addEventListener("input", draw);
  draw();
  show(`${container}/${name}`, [
    el("div", { class: "acts" }, save),
    newerMail ? el("div", { class: "waits" }, el("p", {}, `A newer order of this session${newerMail.sequence ? `, #${newerMail.sequence},` : ""} was mailed to a person and not stored.`), newerMail.mail ? button("Open the mail", () => openMail(newerMail.mail)) : null) : null,
    versions.length > 1 ? el("div", { class: "picks" }, left, right) : el("p", { class: "quiet" }, word(versions[0])),
    place,
    folded("metadata", "Metadata of the newest", el("pre", {}, JSON.stringify(versions[last].metadata, null, 2))),
  ]);
});

const KEYS = [["/", "find"], ["1 to 7", "the lists"], ["n", "a new cart"], ["p", "pause the queue, or go on"], ["h", "heal everything"], ["← →", "between the lists, when one is focused"], ["Esc", "close"], ["?", "this"]];
export const openKeys = (isOn, toggle) => {
  opened.sequence = undefined;
  const box = el("input", { type: "checkbox", id: "keys-on", oninput: (event) => toggle(event.target.checked) });
  box.checked = isOn;
  show("Keys", [el("dl", { class: "facts" }, ...KEYS.flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)])), el("label", { class: "check" }, box, "Single keys do that (not in a field)")]);
};
