// The lists, one at a time: messages, dead letters, mails, blobs, page by page; the programs' log
// and what else happened.

import { $, OUTCOMES, api, asked, button, calmly, clock, count, due, el, line, number, put, readable, short, span, tries } from "./dom.js";
import { state } from "./messages.js";
import { open, openBlob, openMail, unread } from "./dialog.js";
import { receivers, start as startReceivers } from "./receivers.js";

const TABS = ["messages", "dead-letters", "mails", "blobs", "receivers", "log", "activity"];
const PAGED = TABS.slice(0, 4);
const PANELS = { mails: "outbox" };
const LEVELS = { debug: 0, info: 1, warning: 2, error: 3 };
const LINES = 300; // of a log
const FINDS = { mails: "subject, address, text", blobs: "session or container", log: "#12, or a word" };
const view = { tab: "messages", page: 0 };
const panel = (tab) => $(PANELS[tab] ?? `panel-${tab}`);

// Of a list that was never heard of it is not known whether it is empty.
const heard = new Set();
const known = (tab) => { heard.add(tab); loading(); };
const loading = () => { $("loading").hidden = heard.has(view.tab); };

const before = (at) => (at < state.started ? el("span", { class: "tag" }, "before this run") : null);
const row = (key, onclick, wide, ...cells) => el("button", { type: "button", class: wide ? "row wide" : "row", "data-key": key, onclick }, ...cells);
const rest = (...parts) => el("span", { class: "rest" }, ...parts);
const nexts = { upload: "next try", fallback: "the Logic App's answer", "give back": "given back" };

const messageRow = (message) => el("li", { "data-sequence": message.sequence }, row(`message-${message.sequence}`, () => open(message.sequence), false,
  el("span", { class: "number" }, `#${message.sequence}`),
  el("span", { class: "what" }, line(message.contents)),
  el("span", { class: `pill ${message.stage}` }, OUTCOMES[message.stage]),
  rest(line(short(message.sessionId)), message.deliveryCount > 1 ? `, delivery ${message.deliveryCount}` : "", message.uploads.length ? ", uploads" : "", ...tries(message.uploads),
    message.next && message.next.what !== "fallback" ? [" ", due(nexts[message.next.what] ?? message.next.what, message.next.due)] : null, before(message.enqueuedTime)),
  el("span", { class: "when" }, message.tookMs === null ? "" : `${span(message.tookMs)}  `, clock(message.changed))));

const letterRow = (letter) => el("li", { class: "letter" },
  row(`letter-${letter.sequence}`, () => open(letter.sequence), true,
    el("span", { class: "what" }, `#${letter.sequence}  ${line(letter.contents)}`), el("span", { class: "when" }, clock(letter.deadLetteredAt)),
    rest(`${line(short(letter.sessionId))}, ${letter.reason} after ${count(letter.deliveryCount, "delivery", "deliveries")}`, before(letter.deadLetteredAt))),
  button("Redrive", (event) => redrive(event.currentTarget, letter.sequence), { "data-key": `redrive-${letter.sequence}`, "aria-label": `Redrive ${letter.sequence}` }));

const mailRow = (mail) => el("li", { class: unread(mail) ? "unread" : "" },
  row(`mail-${mail.number}`, () => openMail(mail.number), true,
    el("span", { class: "what" }, unread(mail) ? el("span", { class: "hidden" }, "Unread: ") : null, line(mail.subject)), el("span", { class: "when" }, clock(mail.at)),
    rest(`to ${line(mail.to)}`, before(mail.at))),
  button("Delete", () => asked(async () => { await api(`mails/${mail.number}`, "DELETE"); refresh(); }), { "data-key": `delete-${mail.number}`, "aria-label": `Delete mail ${mail.number}` }));

const blobRow = (blob) => el("li", { class: "letter" },
  row(`blob-${blob.container}/${blob.name}`, () => openBlob(blob.container, blob.name), true,
    el("span", { class: "what mono" }, line(blob.container === "orders" ? blob.name : `${blob.container}/${blob.name}`)), el("span", { class: "pill" }, count(blob.versions, "version")),
    rest(line(blob.contents), blob.sequence ? `, by #${blob.sequence}` : "", before(blob.at),
      blob.newerMail ? el("span", { class: "tag warn" }, `a newer order${blob.newerMail.sequence ? `, #${blob.newerMail.sequence},` : ""} was mailed instead`) : null),
    el("span", { class: "when" }, clock(blob.at))),
  blob.newerMail?.mail ? button("Mail", () => openMail(blob.newerMail.mail), { "data-key": `newer-${blob.name}`, "aria-label": `The mail about the newer order of ${short(blob.name)}` }) : null);

const ROWS = { messages: messageRow, "dead-letters": letterRow, mails: mailRow, blobs: blobRow };

const fill = (id, items) => {
  const list = $(id);
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...items);
  if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
};
const EMPTY = {};
const ELSEWHERE = { blobs: ["storage", "Blobs are kept elsewhere, where this page does not look."], mails: ["outbox", "Mails are sent elsewhere, where this page does not look."] };
const nothing = (tab) => {
  const [part, text] = ELSEWHERE[tab] ?? [];
  return part && !state.has[part] ? text : EMPTY[tab];
};
const paged = async (tab) => {
  const find = $("find").value.trim();
  const outcome = tab === "messages" ? $("outcome").value : "";
  const page = await api(`pages/${tab}?${new URLSearchParams({ find, outcome, page: view.page })}`);
  if (tab !== view.tab) return;
  fill(tab, page.items.map(ROWS[tab]));
  const none = $(`no-${tab}`);
  EMPTY[tab] ??= none.textContent;
  none.hidden = page.items.length > 0;
  known(tab);
  put(`no-${tab}`, find || outcome ? "Nothing of that kind." : nothing(tab));
  if (tab === "dead-letters") $("redrive-all").hidden = page.matching === 0 || find !== "";
  const first = view.page * page.size;
  $("pager").hidden = page.matching <= page.size && view.page === 0;
  const more = tab === "messages" && !find && !outcome && state.totals.accepted + state.totals.found > page.matching;
  put("pages", `${number(first + 1)} to ${number(first + page.items.length)} of ${more ? "the last " : ""}${number(page.matching)}`);
  $("newer").disabled = view.page === 0;
  $("older").disabled = first + page.size >= page.matching;
};

const sequence = (text) => { try { const { sequence_number: of } = JSON.parse(text); return of === undefined ? null : Number(of); } catch { return null; } };
const of = (number) => (number === null ? null : button(`#${number}`, () => open(number), { class: "link" }));
let lines = [];
let logged = -1;
const log = async () => {
  const new_ = await api(`log?after=${Math.max(0, logged)}`);
  if (logged < 0) lines = [];
  lines = [...lines, ...new_].slice(-LINES);
  logged = lines.at(-1)?.number ?? 0;
  const find = $("find").value.trim().toLowerCase();
  const level = Number($("level").value);
  const writer = $("writer").value;
  for (const { writer: of } of lines) if (![...$("writer").options].some(({ value }) => value === of)) $("writer").append(el("option", { value: of }, of));
  $("writer").hidden = $("writer").options.length < 3 || view.tab !== "log";
  const meant = lines.filter((it) => (LEVELS[it.level] ?? 1) >= level && (!writer || it.writer === writer) && (find.startsWith("#") ? String(sequence(it.text)) === find.slice(1) : it.text.toLowerCase().includes(find)));
  const list = $("log");
  const follows = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
  fill("log", meant.map((it) => el("li", { class: it.level }, clock(it.at), el("b", {}, it.level), el("span", {}, it.writer === "function" ? of(sequence(it.text)) : el("i", {}, `${it.writer} `), line(readable(it.text))))));
  if (follows) list.scrollTop = list.scrollHeight;
  $("no-log").hidden = meant.length > 0;
  put("no-log", lines.length ? "Nothing of that kind." : "Nobody has written a line.");
  known("log");
};

export const refresh = calmly(async () => {
  if (state.links === undefined) return;
  if (PAGED.includes(view.tab)) await paged(view.tab);
  else if (view.tab === "log") await log();
  else if (view.tab === "receivers") { await receivers(fill); known("receivers"); }
});

export const activity = (entries, anew) => {
  const list = $("activity");
  if (anew) { list.replaceChildren(); logged = -1; }
  for (const entry of entries) list.prepend(el("li", { class: entry.level }, clock(entry.at), el("b", {}, entry.level), el("span", {}, line(readable(entry.text)))));
  while (list.children.length > 100) list.lastChild.remove();
  $("no-activity").hidden = list.children.length > 0;
  known("activity");
};

export const select = (tab, focus) => {
  if (!TABS.includes(tab)) return;
  view.tab = tab;
  view.page = 0;
  for (const name of TABS) {
    const one = $(`tab-${name}`);
    one.setAttribute("aria-selected", String(name === tab));
    one.tabIndex = name === tab ? 0 : -1;
    panel(name).hidden = name !== tab;
  }
  $("outcome").hidden = tab !== "messages";
  $("level").hidden = tab !== "log";
  $("writer").hidden = true;
  $("find").placeholder = `Find: ${FINDS[tab] ?? "#12, session, id, trace"} ( / )`;
  $("find").parentNode.hidden = ["activity", "receivers"].includes(tab);
  $("pager").hidden = true;
  loading();
  if (focus) $(`tab-${tab}`).focus({ preventScroll: true });
  refresh();
};
export const tabs = TABS;

export const redrive = async (pressed, sequence) => {
  pressed.disabled = true;
  const say = (...what) => $("redriven").replaceChildren(el("div", { class: "result" }, ...what));
  say(el("p", { class: "quiet" }, "The operator's tool is at work …"));
  try {
    const { complete, lines } = await api("dead-letters/redrive", "POST", sequence === undefined ? {} : { sequence });
    say(el("p", {}, complete ? "Done." : "Not every letter could be brought home."), el("pre", {}, lines.join("\n")));
  } catch (error) {
    say(el("p", {}, error.message));
  }
  // Where one looks, however long the list is.
  $("redriven").scrollIntoView({ block: "nearest" });
  $("redriven").focus({ preventScroll: true });
  pressed.disabled = false;
  refresh();
};

export const start = () => {
  for (const [stage, name] of Object.entries(OUTCOMES)) $("outcome").append(el("option", { value: stage }, name));
  for (const tab of TABS) $(`tab-${tab}`).addEventListener("click", () => select(tab));
  $("tabs").addEventListener("keydown", (event) => {
    const at = TABS.indexOf(view.tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(TABS[(to + TABS.length) % TABS.length], true);
  });
  const anew = () => { view.page = 0; refresh(); };
  for (const field of ["find", "outcome", "level", "writer"]) $(field).addEventListener("input", anew);
  $("newer").addEventListener("click", () => { view.page = Math.max(0, view.page - 1); refresh(); });
  $("older").addEventListener("click", () => { view.page += 1; refresh(); });
  $("redrive-all").addEventListener("click", (event) => redrive(event.currentTarget));
  startReceivers();
  document.addEventListener("receivers", refresh);
  // Nobody tells that a receiver comes or goes.
  setInterval(() => { if (view.tab === "receivers" && !document.hidden) refresh(); }, 1_000);
  // #outbox and the like lead to a tab.
  const follow = () => select(location.hash === "#outbox" ? "mails" : location.hash.slice(1));
  addEventListener("hashchange", follow);
  follow();
};
