// The messages at work: a chip each, which moves from station to station.

import { $, OUTCOMES, calm, el, number } from "./dom.js";
import { open } from "./dialog.js";

const KEPT = 150; // messages that this page keeps: those that changed last
const CHIPS = { shop: 3, queue: 6, function: 6, storage: 6, person: 6 }; // of one station
const STEP = 260; // milliseconds that a message stays where it can be seen
const PLACES = { waiting: "queue", delivering: "function", stored: "storage", superseded: "storage", redriven: "storage", handedOver: "person", completed: "function", deadLettered: "person" };
const WAY = ["shop", "queue", "function"];

export const state = { messages: new Map(), revision: -1 };
const places = new Map(); // where each message is shown, which may be behind where it is

export const began = (messages) => {
  state.messages = new Map(messages.reverse().map((message) => [message.sequence, message]));
  for (const [sequence] of places) if (!state.messages.has(sequence)) places.delete(sequence);
  for (const message of messages) if (!places.has(message.sequence)) places.set(message.sequence, PLACES[message.stage]);
};

// The map is in the order of the last change; what the function has is never forgotten.
export const changed = (messages) => {
  for (const message of messages.reverse()) { state.messages.delete(message.sequence); state.messages.set(message.sequence, message); }
  let over = state.messages.size - KEPT;
  for (const [sequence, message] of state.messages) {
    if (over <= 0) break;
    if (message.stage === "delivering") continue;
    state.messages.delete(sequence);
    places.delete(sequence);
    over -= 1;
  }
};

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
  const at = { shop: [], queue: [], function: [], storage: [], person: [] };
  for (const sequence of [...state.messages.keys()].sort((a, b) => a - b)) at[places.get(sequence)]?.push(sequence);
  // The newest is first where messages stay, and the oldest where they pass.
  for (const end of ["storage", "person"]) at[end].reverse();
  const from = new Map();
  for (const [sequence, chip] of chipOf) if (chip.isConnected) from.set(sequence, [chip.getBoundingClientRect(), chip.parentNode.parentNode.id]);
  const focused = document.activeElement;
  const shownNow = new Set();
  for (const [place, sequences] of Object.entries(at)) {
    const few = sequences.slice(0, CHIPS[place]);
    few.forEach((sequence) => shownNow.add(sequence));
    const total = place === "queue" ? state.counts.active : place === "function" ? state.counts.locked : 0;
    const hiddenOnes = Math.max(0, total - few.length);
    const key = `${few.map((sequence) => sequence + state.messages.get(sequence).stage)}|${hiddenOnes}`;
    if (drawn.get(place) === key) continue;
    drawn.set(place, key);
    const items = few.map((sequence) => el("li", {}, chip(sequence)));
    if (hiddenOnes) items.push(el("li", { class: "more" }, few.length ? `+ ${number(hiddenOnes)}` : number(hiddenOnes)));
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
