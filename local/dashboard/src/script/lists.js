// Blobs, mails and dead letters: asked for when their number changes.

import { $, api, calmly, clock, count, el, line, short } from "./dom.js";
import { state } from "./messages.js";
import { openBlob, openLetter, openMail } from "./dialog.js";

const SHOWN = 50; // of each list

const fill = (id, items) => {
  const list = $(id);
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...items);
  if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  $(`no-${id}`).hidden = items.length > 0;
};
export const lists = {
  blobs: calmly(async () => fill("blobs", (await api("pages/blobs")).items.map((blob) => el("li", {}, el("button", { type: "button", class: "row wide", "data-key": blob.name, onclick: () => openBlob(blob.container, blob.name) },
    el("span", { class: "what mono" }, line(blob.name)), el("span", { class: "pill" }, count(blob.versions, "version")),
    el("span", { class: "rest" }, line(blob.contents)), el("span", { class: "when" }, clock(blob.at))))))),
  mails: calmly(async () => fill("mails", (await api(`mails?newest=${SHOWN}`)).reverse().map((mail) => el("li", {}, el("button", { type: "button", class: "row wide", "data-key": `mail-${mail.number}`, onclick: () => openMail(mail.number) },
    el("span", { class: "what" }, line(mail.subject)), el("span", { class: "when" }, clock(mail.at)), el("span", { class: "rest" }, `to ${line(mail.to)}`)))))),
  dead: calmly(async () => {
    const letters = (await api(`dead-letters?newest=${SHOWN}`)).reverse();
    const others = state.counts.deadLettered - letters.length;
    $("redrive-all").hidden = letters.length === 0;
    fill("dead-letters", [...letters.map((letter) => el("li", { class: "letter" },
      el("button", { type: "button", class: "row wide", "data-key": `letter-${letter.sequence}`, onclick: () => openLetter(letter) },
        el("span", { class: "what" }, `#${letter.sequence}  ${line(letter.contents)}`), el("span", { class: "when" }, clock(letter.deadLetteredAt)),
        el("span", { class: "rest" }, `${line(short(letter.sessionId))}, ${letter.reason} after ${count(letter.deliveryCount, "delivery", "deliveries")}`)),
      el("button", { type: "button", class: "small", "data-key": `redrive-${letter.sequence}`, "aria-label": `Redrive ${letter.sequence}`, onclick: (event) => redrive(event.currentTarget, letter.sequence) }, "Redrive"))),
      ...(others > 0 ? [el("li", { class: "more" }, `and ${others.toLocaleString("en")} older`)] : [])]);
  }),
};

export const redrive = async (button, sequence) => {
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
