// The dashboard's page. It takes a snapshot (/api/state), then changes (/api/events).

import { $, api, asked, calmly, clock, count, el, line, put, readable } from "./dom.js";
import { opened, reopen } from "./dialog.js";
import { lists, redrive } from "./lists.js";
import { PLACES, move, places, rows, state } from "./messages.js";

const PRODUCTS = ["Ball", "Ball Launcher", "Plush Lamb", "Plush Moose", "Large Breed Dry Food", "Small Breed Dry Food", "Mouse", "Scratcher", "All Sizes Cat Dry Food", "Mangrove Ornament", "All Sizes Fish Food"];
const STORAGE = [
  ["refuses", "refuses", "refuses connections"], ["503", "503", "answers 503"], ["429", "429", "answers 429 with Retry-After"],
  ["slow", "slow", "answers 3 s late"], ["hangs", "hangs", "never answers"],
  ["applies-but-loses-the-reply", "loses the reply", "writes, and loses the reply"],
  ["applies-but-says-no", "says no", "writes, and answers 500"], ["forbids", "forbids", "answers 403"], ["flaky", "flaky", "fails at random"],
];
const FAULTS = { // as the API names them, on the button, in a sentence
  storage: STORAGE,
  shopStorage: STORAGE,
  bus: [
    ["refuses", "refuses", "hangs up on senders"], ["503", "503", "answers 503"], ["429", "429", "answers 429 with Retry-After"],
    ["slow", "slow", "takes messages 3 s late"], ["hangs", "hangs", "never answers"],
    ["applies-but-loses-the-reply", "loses the reply", "takes the message, and loses the reply"],
    ["applies-but-says-no", "says no", "takes the message, and answers 500"], ["flaky", "flaky", "fails at random"],
  ],
  logicApp: [
    ["down", "down", "is down"], ["502", "502", "answers 502"], ["hangs", "hangs", "never answers"],
    ["applies-but-loses-the-reply", "loses the reply", "takes the order, and loses the reply"], ["flaky", "flaky", "fails at random"],
  ],
};
const OWN_NAMES = ["shopStorage", "bus"]; // their buttons are called after their part, too: there are others of the same label
const NAMES = { storage: "Blob Storage", shopStorage: "PetStore's storage", bus: "The bus", logicApp: "The Logic App" };

let early = null; // ticks that arrive while the snapshot is on its way

const load = calmly(async () => {
  early = [];
  const snapshot = await api("state").catch((error) => { early = null; throw error; });
  state.messages = new Map(snapshot.messages.reverse().map((message) => [message.sequence, message]));
  for (const [sequence] of places) if (!state.messages.has(sequence)) places.delete(sequence);
  for (const message of snapshot.messages) if (!places.has(message.sequence)) places.set(message.sequence, PLACES[message.stage]);
  $("activity").replaceChildren();
  $("links").replaceChildren(...snapshot.links.map(({ name, url }) => el("li", {}, el("a", { href: url }, name === "petstore" ? "PetStore" : name))));
  const shop = snapshot.links.find(({ name }) => name === "petstore");
  $("shop").replaceChildren(...(shop ? [", or ", el("a", { href: shop.url }, "open the shop")] : []));
  $("faults-storage").hidden = $("arm").hidden = !snapshot.has.storage;
  $("faults-logicApp").hidden = !snapshot.has.logicApp;
  $("faults-shopStorage").hidden = !snapshot.has.shopStorage;
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
  if (before.mails?.last !== state.mails.last) lists.mails();
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
  put("flight", `, ${counts.locked.toLocaleString("en")} in flight`);
  const refused = state.refused.storage ? `, ${count(state.refused.storage, "connection")} refused` : "";
  put("uploads", ` ${state.writes === 1 ? "write" : "writes"}, ${count(totals.uploadsFailed, "upload")} failed${refused}`);
  const found = totals.found ? ` and ${totals.found.toLocaleString("en")} from before` : "";
  put("totals", `${count(totals.accepted, "message")} in this run${found}: ${totals.stored.toLocaleString("en")} stored, ${totals.superseded.toLocaleString("en")} superseded, ${totals.handedOver.toLocaleString("en")} mailed, ${totals.redriven.toLocaleString("en")} redriven. Deliveries given back: ${totals.givenBack.toLocaleString("en")}`);
  for (const part of Object.keys(FAULTS)) {
    for (const button of $(`faults-${part}`).querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.fault === faults[part]));
  }
  $("arm").setAttribute("aria-pressed", String(handler.armed));
  const broken = Object.keys(FAULTS).filter((part) => faults[part] !== "none").map((part) => `${NAMES[part]} ${FAULTS[part].find(([name]) => name === faults[part])?.[2] ?? faults[part]}.`);
  if (handler.armed) broken.push("The handler dies at the next upload.");
  $("banner").hidden = broken.length === 0;
  put("broken", broken.join(" "));
  document.querySelector(".storage").classList.toggle("broken", faults.storage !== "none");
  document.querySelector(".shop").classList.toggle("broken", faults.shopStorage !== "none");
  document.querySelector(".queue").classList.toggle("broken", faults.bus !== "none");
  document.querySelector(".person").classList.toggle("broken", faults.logicApp !== "none");
  document.querySelector(".function").classList.toggle("broken", handler.armed || !handler.ready);
  const list = $("activity");
  for (const entry of activity) list.prepend(el("li", { class: entry.level }, clock(entry.at), el("span", {}, line(readable(entry.text)))));
  while (list.children.length > 100) list.lastChild.remove();
  list.toggleAttribute("tabindex", false);
  if (list.scrollHeight > list.clientHeight) list.tabIndex = 0;
  $("no-activity").hidden = list.children.length > 0;
};

const newSession = () => { $("session").value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase(); };
const post = (body) => asked(async () => {
  const { sequence, duplicate } = await api("messages", "POST", { sessionId: $("session").value, body });
  put("posted", duplicate ? "A duplicate: dropped." : `Posted as #${sequence}.`);
});
const pressed = (button) => button.getAttribute("aria-pressed") === "true";

// A browser has six connections for one address: a tab that nobody sees gives its own back.
let events = null;
const live = (text, kind) => { put("live", text); $("live").className = `live ${kind}`; };
const listen = () => {
  events?.close();
  events = null;
  if (document.hidden) { live("paused while nobody looks", ""); return; }
  events = new EventSource("/api/events");
  events.addEventListener("open", () => live("live", "on"));
  events.addEventListener("error", () => live("the stack does not answer; trying again", "off"));
  events.addEventListener("resync", load);
  events.addEventListener("tick", (event) => apply(JSON.parse(event.data)));
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
  for (const [part, faults] of Object.entries(FAULTS)) {
    for (const [fault, label, does] of faults) {
      const button = el("button", { type: "button", "aria-pressed": "false", "data-fault": fault, title: `${NAMES[part]} ${does}`, ...(OWN_NAMES.includes(part) && { "aria-label": `${label}: ${NAMES[part]}` }) }, label);
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
  document.addEventListener("visibilitychange", listen);
  listen();
};
start();
