// Who receives, which lock they hold since when; and how a network gets in their way.

import { $, api, asked, button, clock, count, due, el, line, number, put, short } from "./dom.js";

const NAMES = { host: "this stack's host", rest: "a client of REST" };
const ask = (path, method, body) => asked(async () => { put("receivers-error", ""); await api(path, method, body); document.dispatchEvent(new Event("receivers")); }, "receivers-error");
const entry = (what, rest, ...acts) => el("li", { class: "letter" }, el("div", { class: "row wide" }, el("span", { class: "what" }, what), el("span", { class: "rest" }, ...rest)), ...acts);
const held = (by, receivers) => NAMES[by] ?? (receivers.find(({ id }) => id === by)?.client || `receiver ${by}`);

const receiverRow = (it) => entry(`${line(it.client || "(nameless)")} at ${line(it.address)}`,
  [`receiver ${it.id}, link ${line(short(it.link))}, since `, clock(it.since), `, ${it.deadLetters ? "dead letters, " : ""}${it.deletes ? "deletes at once, " : ""}${it.session ? `session ${line(short(it.session))}, ` : it.waitsForSession ? "waits for a session, " : ""}has ${number(it.unsettled)}, would take ${number(it.credit)}`],
  button("Cut", () => ask(`receivers/${it.id}`, "DELETE"), { "data-key": `cut-${it.id}`, "aria-label": `Cut receiver ${it.id}` }));
const lockRow = (it, receivers) => entry(`#${it.sequence} is held by ${line(held(it.by, receivers))}`,
  [it.sessionId ? `${line(short(it.sessionId))}, ` : "", it.deadLetter ? "a dead letter, " : "", "since ", clock(it.since), ", ", due("ends", it.until)],
  button("Expire", () => ask(`locks/${it.sequence}`, "DELETE"), { "data-key": `expire-${it.sequence}`, "aria-label": `Expire the lock of ${it.sequence}` }));
const sessionRow = (it, receivers) => entry(`session ${line(short(it.sessionId))} is held by ${line(held(it.by, receivers))}`, ["since ", clock(it.since), ", ", due("ends", it.until)],
  button("Expire", () => ask("sessions", "PUT", { session: it.sessionId, expired: true }), { "data-key": `session-${it.sessionId}`, "aria-label": `Expire session ${line(short(it.sessionId))}` }));
const refusedRow = (session) => entry(`session ${line(short(session))} is refused`, ["nobody gets it; who holds it keeps it"],
  button("Allow", () => ask("sessions", "PUT", { session, refused: false }), { "data-key": `allow-${session}`, "aria-label": `Allow session ${line(short(session))}` }));

export const receivers = async (fill) => {
  const { receivers, locks, lockCount, sessions, refused } = await api("receivers");
  put("receivers-say", `${count(receivers.length, "receiver")} with an AMQP link, ${count(lockCount, "lock")} held. This stack's host receives without one.`);
  fill("receivers", [...receivers.map(receiverRow), ...sessions.map((it) => sessionRow(it, receivers)), ...locks.map((it) => lockRow(it, receivers)), ...refused.map(refusedRow)]);
};
export const start = () => $("refuse").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("sessions", "PUT", { session: $("refused").value, refused: true });
  $("refused").value = "";
});
