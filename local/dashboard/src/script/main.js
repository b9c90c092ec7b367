// The dashboard's page. It takes a snapshot (/api/state), then changes (/api/events).

import { $, OUTCOMES, api, asked, calmly, count, el, number, put, shown } from "./dom.js";
import { openKeys, opened, reopen } from "./dialog.js";
import * as lists from "./lists.js";
import { began, changed, move, state } from "./messages.js";
import { pulse, queued } from "./pulse.js";
import { heal, present, standing, switches } from "./faults.js";

const PRODUCTS = ["Ball", "Ball Launcher", "Plush Lamb", "Plush Moose", "Large Breed Dry Food", "Small Breed Dry Food", "Mouse", "Scratcher", "All Sizes Cat Dry Food", "Mangrove Ornament", "All Sizes Fish Food"];

let early = null; // ticks that arrive while the snapshot is on its way

const load = calmly(async () => {
  early = [];
  const snapshot = await api("state").catch((error) => { early = null; if (events?.readyState === EventSource.OPEN) setTimeout(load, 1_000); throw error; });
  began(snapshot.messages);
  // Whose hands those are in, when another host receives, is told by Receivers.
  OUTCOMES.delivering = snapshot.has.handler ? "in the function" : "handed out";
  document.querySelector('#outcome [value="delivering"]').textContent = OUTCOMES.delivering;
  $("links").replaceChildren(...snapshot.links.map(({ name, url }) => el("li", {}, el("a", { href: url }, name === "petstore" ? "PetStore" : name))));
  const shop = snapshot.links.find(({ name }) => name === "petstore");
  $("shop").replaceChildren(shop ? el("a", { href: shop.url }, "open the shop") : "not started here");
  present(snapshot.has, snapshot.faults);
  apply(snapshot);
  const ticks = early;
  early = null;
  ticks.forEach(apply);
  current();
});

const apply = (tick) => {
  const isWhole = tick.links !== undefined;
  if (early && !isWhole) { early.push(tick); return; }
  // Changes mean nothing before there is what they change.
  if (!isWhole && (state.links === undefined || tick.revision < state.revision)) return;
  Object.assign(state, { ...tick, messages: state.messages });
  if (!isWhole) changed(tick.messages);
  tell();
  if (tick.pulse) pulse(tick.pulse);
  lists.activity(tick.activity, isWhole);
  move();
  lists.refresh();
  if (opened.sequence !== undefined && tick.messages.some((message) => message.sequence === opened.sequence)) reopen();
};

const tell = () => {
  const { counts, totals, handler, paused, build } = state;
  const foreign = state.has.handler === false;
  queued(counts, totals, foreign);
  put("queued", paused ? "paused" : `${number(counts.active)} waiting`);
  $("pause").setAttribute("aria-pressed", String(paused));
  put("pause", paused ? "go on" : "pause");
  $("pause").hidden = false;
  put("handler", foreign ? "another host's" : handler.ready ? "ready" : "not ready");
  $("handler").classList.toggle("up", handler.ready || foreign);
  put("flight", `, ${number(counts.locked)} in flight`);
  const refused = state.refused.storage ? `, ${count(state.refused.storage, "connection")} refused` : "";
  // Of what is elsewhere nothing is known here, and nothing is said.
  put("uploads", state.has.storage ? `${count(state.writes, "write")}, ${count(totals.uploadsFailed, "upload")} failed${refused}` : "kept elsewhere");
  put("ends", `${state.has.outbox ? count(state.mails.count, "mail") : "mails elsewhere"}, ${number(counts.deadLettered)} dead`);
  put("count-dead-letters", counts.deadLettered ? number(counts.deadLettered) : "");
  put("count-mails", state.mails.count ? number(state.mails.count) : "");
  const found = totals.found ? ` and ${number(totals.found)} from before` : "";
  const redriven = totals.redriven ? `, ${number(totals.redriven)} redriven` : "";
  const completed = totals.completed ? `, ${number(totals.completed)} completed` : "";
  put("totals", `${count(totals.accepted, "message")} in this run${found}: ${number(totals.stored)} stored, ${number(totals.superseded)} superseded, ${number(totals.handedOver)} mailed${completed}${redriven}. Deliveries given back: ${number(totals.givenBack)}.`);
  $("build").hidden = build.state === "current";
  put("build-says", build.state === "building" ? "building… What runs is the former build." : "The build failed: what runs is the former build.");
  $("build-error").hidden = build.state !== "failed";
  put("build-error", shown(build.error ?? ""));
  standing(state);
};

const newSession = () => { $("session").value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase(); };
const post = (body) => asked(async () => {
  const { sequence, duplicate } = await api("messages", "POST", { sessionId: $("session").value, body });
  put("posted", duplicate ? "A duplicate: dropped." : `Posted as #${sequence}.`);
});

// A stack that is gone: what acts is disabled, and said to be. What only shows stays.
let stopped = [];
const gone = (isGone) => {
  if (isGone === !$("gone").hidden) return;
  $("gone").hidden = !isGone;
  if (isGone) for (const id of ["banner", "build"]) $(id).hidden = true;
  if (isGone) {
    put("gone-at", new Date().toLocaleTimeString("en-GB"));
    stopped = [...document.querySelectorAll("button, input, select, textarea")].filter((it) => !it.disabled && !["close", "show-keys"].includes(it.id) && it.getAttribute("role") !== "tab");
    for (const it of stopped) it.disabled = true;
  } else {
    for (const it of stopped) it.disabled = false;
    stopped = [];
  }
};

// A browser has six connections for one address: a tab that nobody sees gives its own back.
let events = null;
const live = (text, kind) => { put("live", text); $("live").className = `live ${kind}`; };
// What the page shows is true again: not before, though the stack answers.
const current = () => {
  $("main").removeAttribute("aria-busy");
  live("live", "on");
  gone(false);
};
const listen = () => {
  events?.close();
  events = null;
  if (document.hidden) { live("paused while nobody looks", ""); return; }
  live("connecting…", "");
  events = new EventSource("/api/events");
  events.addEventListener("hello", current);
  events.addEventListener("error", () => {
    live("the stack does not answer; trying again", "off");
    gone(true);
    // A browser gives up on an answer that is none: another program at this address.
    if (events?.readyState === EventSource.CLOSED) setTimeout(listen, 3_000);
  });
  events.addEventListener("resync", load);
  events.addEventListener("tick", (event) => apply(JSON.parse(event.data)));
};

const KEYS = "single-keys";
const keysOn = () => { try { return localStorage.getItem(KEYS) !== "off"; } catch { return true; } };
const toggleKeys = (on) => { try { localStorage.setItem(KEYS, on ? "on" : "off"); } catch { /* a browser that keeps nothing */ } };
const pause = () => asked(() => api("queue", "PUT", { paused: !state.paused }));
const acts = {
  "/": () => { $("find").focus(); $("find").select(); },
  "?": () => openKeys(keysOn(), toggleKeys),
  n: () => { newSession(); $("quantity").focus(); },
  p: pause,
  h: () => heal(state.has, state.faults),
};
lists.tabs.forEach((tab, index) => { acts[index + 1] = () => lists.select(tab, true); });
const keyed = (event) => {
  const inField = event.target.closest?.("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey || inField || $("dialog").open || !keysOn() || !(event.key in acts)) return;
  if (!$("gone").hidden && "/nph".includes(event.key)) return;
  event.preventDefault();
  acts[event.key]();
};

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
  switches();
  lists.start();
  $("pause").addEventListener("click", pause);
  $("heal").addEventListener("click", () => heal(state.has, state.faults));
  $("show-keys").addEventListener("click", acts["?"]);
  $("close").addEventListener("click", () => $("dialog").close());
  $("dialog").addEventListener("click", (event) => event.target === $("dialog") && $("dialog").close());
  $("dialog").addEventListener("close", () => { opened.sequence = undefined; const { from } = opened; if (from?.isConnected) from.focus({ preventScroll: true }); else if (from?.dataset?.key) document.querySelector(`.lists [data-key="${CSS.escape(from.dataset.key)}"]`)?.focus({ preventScroll: true }); });
  document.addEventListener("keydown", keyed);
  document.addEventListener("mails", lists.refresh);
  document.addEventListener("visibilitychange", listen);
  listen();
};
start();
