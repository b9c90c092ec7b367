// The messages: a row each, and a chip that moves from station to station.

import { $, OUTCOMES, calm, clock, el, line, short, tries } from "./dom.js";
import { open } from "./dialog.js";

const SHOWN = 60; // rows of messages
const CHIPS = { shop: 4, queue: 18, function: 18, storage: 10, person: 10, dead: 6 }; // of one station
const STEP = 260; // milliseconds that a message stays where it can be seen
export const PLACES = { waiting: "queue", delivering: "function", stored: "storage", superseded: "storage", redriven: "storage", handedOver: "person", completed: "function", deadLettered: "dead" };
const WAY = ["shop", "queue", "function"];

export const state = { messages: new Map(), revision: -1 };

const rowOf = new Map();

export const rows = (changed) => {
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

export const places = new Map(); // where each message is shown, which may be behind where it is
let stepping = false;

// One step on its way for each message that is behind; all at once when there are many.
export const move = () => {
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
    const total = place === "queue" ? state.counts.active : place === "function" ? state.counts.locked : place === "dead" ? state.counts.deadLettered : sequences.length;
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
