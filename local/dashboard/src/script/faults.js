// The switches: what each fault does stands beside it.

import { $, api, asked, el, put } from "./dom.js";

const STORAGE = [
  ["refuses", "refuses", "refuses connections"], ["503", "503", "answers 503"], ["429", "429", "answers 429 with Retry-After"],
  ["slow", "slow", "answers 3 s late"], ["hangs", "hangs", "never answers"],
  ["applies-but-loses-the-reply", "loses the reply", "writes, and loses the reply"],
  ["applies-but-says-no", "says no", "writes, and answers 500"], ["forbids", "forbids", "answers 403"], ["flaky", "flaky", "fails at random"],
];
const PARTS = [ // name in the API, in a sentence, open at first; each fault as the API has it, on its switch, in a sentence
  ["storage", "Blob Storage", true, STORAGE],
  ["logicApp", "The Logic App", true, [
    ["down", "down", "is down"], ["502", "502", "answers 502"], ["hangs", "hangs", "never answers"],
    ["applies-but-loses-the-reply", "loses the reply", "takes the order, and loses the reply"], ["flaky", "flaky", "fails at random"],
  ]],
  ["bus", "The bus", false, [
    ["refuses", "refuses", "hangs up on senders"], ["503", "503", "answers 503"], ["429", "429", "answers 429 with Retry-After"],
    ["slow", "slow", "takes messages 3 s late"], ["hangs", "hangs", "never answers"],
    ["applies-but-loses-the-reply", "loses the reply", "takes the message, and loses the reply"],
    ["applies-but-says-no", "says no", "takes the message, and answers 500"], ["flaky", "flaky", "fails at random"],
  ]],
  ["shopStorage", "PetStore's storage", false, STORAGE],
];
const STATIONS = { storage: ".storage", logicApp: ".person", bus: ".queue", shopStorage: ".shop" };
const pressed = (button) => button.getAttribute("aria-pressed") === "true";

export const switches = () => {
  for (const [part, name, open, faults] of PARTS) {
    const rows = faults.map(([fault, label, does]) => {
      const id = `does-${part}-${fault}`;
      // Labels of the storage stand alone; others of the same label name their part.
      const button = el("button", { type: "button", "aria-pressed": "false", "data-fault": fault, "aria-describedby": id, "aria-label": part === "storage" ? null : `${label}: ${name}` }, label);
      button.addEventListener("click", () => asked(() => api("faults", "PUT", { [part]: pressed(button) ? "none" : fault })));
      return el("p", {}, button, el("span", { id }, does));
    });
    $("switches").append(el("details", { id: `part-${part}`, open }, el("summary", {}, el("b", {}, name), el("span", { id: `state-${part}` })),
      el("div", { class: "faults", role: "group", "aria-label": name, id: `faults-${part}` }, ...rows)));
  }
  $("kill").addEventListener("click", () => asked(() => api("handler/kill", "POST")));
  $("arm").addEventListener("click", () => asked(() => api("handler/kill-during-upload", pressed($("arm")) ? "DELETE" : "POST")));
};

// What is not part of this stack cannot be broken.
export const present = (has, faults) => {
  for (const [part] of PARTS) $(`part-${part}`).hidden = !(part in faults) || has[part] === false;
  $("faults-function").hidden = has.handler === false;
  $("arm").parentNode.hidden = !has.storage;
  $("faults-shops").hidden = !has.shops;
  $("shops").replaceChildren(...Array.from({ length: has.shops }, (_, index) => {
    const name = has.shops > 1 ? `PetStore ${index + 1}` : "PetStore";
    return el("button", { type: "button", "aria-label": `kill now: ${name}`, onclick: () => asked(() => api(`shops/${index + 1}/kill`, "POST")) }, has.shops > 1 ? `kill ${index + 1} now` : "kill now");
  }));
};

export const standing = ({ faults, handler, has }) => {
  const broken = [];
  for (const [part, name, , known] of PARTS) {
    const fault = faults[part] ?? "none";
    for (const button of $(`faults-${part}`).querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.fault === fault));
    const does = known.find(([it]) => it === fault)?.[2] ?? fault;
    put(`state-${part}`, fault === "none" ? " works" : ` ${does}`);
    document.querySelector(STATIONS[part]).classList.toggle("broken", fault !== "none");
    if (fault !== "none") { broken.push(`${name} ${does}.`); }
  }
  $("arm").setAttribute("aria-pressed", String(handler.armed));
  if (handler.armed) broken.push("The handler dies at the next upload.");
  document.querySelector(".function").classList.toggle("broken", handler.armed || (!handler.ready && has.handler));
  $("banner").hidden = broken.length === 0;
  put("broken", broken.join(" "));
};

export const heal = (has, faults) => asked(async () => {
  const wish = Object.fromEntries(PARTS.map(([part]) => part).filter((part) => part in faults && has[part] !== false).map((part) => [part, "none"]));
  await Promise.all([api("faults", "PUT", wish), api("handler/kill-during-upload", "DELETE")]);
  // The button is about to go.
  $("main").focus({ preventScroll: true });
});
