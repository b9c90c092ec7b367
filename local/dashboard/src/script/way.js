// One message's way: what happened when, and for how long, as a waterfall.

import { el, line, span, svg, verdict } from "./dom.js";

const ms = (at) => Date.parse(at);

// The requests and waits of one delivery, in their order. An upload begins with its first request;
// what the storage is asked besides, to make the container or to compare, is a part of it.
const within = (delivery, message, now) => {
  const of = (list) => list.filter((it) => it.delivery === delivery.number);
  const steps = of(message.steps).map((step) => ({ from: ms(step.at), step }));
  const requests = of(message.requests).map((request) => ({ from: ms(request.at), request }));
  // In one millisecond an upload comes before what the handler says of it.
  const all = [...requests, ...steps].sort((a, b) => a.from - b.from);
  const end = delivery.endedAt ? ms(delivery.endedAt) : now;
  let attempt = 1, begun = false, answered = null;
  return all.map(({ from, step, request }, index) => {
    const next = all[index + 1]?.from ?? end;
    if (step) {
      if (step.what === "upload" && step.attempt > attempt) { attempt = step.attempt; begun = false; answered = null; }
      const label = { upload: `waits before upload ${step.attempt}`, fallback: "asks the Logic App", "give back": "waits before it is given back" }[step.what] ?? step.what;
      const to = step.what === "fallback" ? next : Math.min(ms(step.due), Math.max(next, from));
      return { label, from, to, kind: step.what === "fallback" ? "busy" : "wait", note: step.error ? `because: ${step.error}` : "" };
    }
    const isUpload = request.method === "PUT" && request.path.split("/").length > 3;
    // An upload after one that failed is the next, also where the handler's word (its lines at
    // debug) is missing, or of the same millisecond.
    if (isUpload && answered && !["404", "409", "412"].includes(answered)) { attempt += 1; begun = false; }
    const what = isUpload ? "PUT" : request.method === "PUT" ? "makes the container" : request.method;
    const label = isUpload && !begun ? `upload ${attempt}: PUT` : `  ${what}`;
    if (isUpload) begun = true;
    const answer = request.answer ?? "…";
    answered = isUpload ? answer : null;
    // No container yet, which is made next: nothing failed.
    const after = all[index + 1]?.request;
    const begins = answer === "404" && after?.method === "PUT" && after.path.split("/").length === 3;
    const how = begins ? "" : verdict(answer);
    return { label, from, to: request.answeredAt ? ms(request.answeredAt) : now, kind: how || "busy", how, answer, note: begins ? "there is no container yet" : "" };
  });
};

export const steps = (message, now) => {
  const accepted = ms(message.enqueuedTime);
  const rows = [];
  const trace = message.traceId ? `trace ${message.traceId}` : "";
  if (message.clickedTime) rows.push({ label: "click, kept and sent", from: ms(message.clickedTime), to: accepted, kind: "busy", note: `clicked in PetStore at ${new Date(message.clickedTime).toLocaleTimeString("en-GB")}${trace && `, ${trace}`}` });
  else if (trace) rows.push({ label: "the sender's", note: trace });
  rows.push({ label: "accepted", from: accepted, to: accepted, kind: "mark", note: new Date(accepted).toLocaleTimeString("en-GB") });
  let free = accepted;
  for (const delivery of message.deliveries) {
    const from = ms(delivery.at);
    if (from - free >= 1 || message.deliveries.length === 1) rows.push({ label: "waits in the queue", from: free, to: from, kind: "wait" });
    const to = delivery.endedAt ? ms(delivery.endedAt) : now;
    rows.push({ label: `delivery ${delivery.number}`, from, to, kind: "span", note: delivery.ended ?? (delivery.endedAt ? "" : "under way") });
    rows.push(...within(delivery, message, now));
    free = to;
  }
  if (message.stage === "waiting") rows.push({ label: "waits in the queue", from: free, to: now, kind: "wait" });
  const END = { stored: "stored", superseded: "superseded: the blob holds a newer order", handedOver: "mailed to a person", deadLettered: "dead letter", redriven: "redriven", completed: "completed" };
  if (END[message.stage]) rows.push({ label: END[message.stage], from: ["deadLettered", "redriven"].includes(message.stage) ? ms(message.changed) : free, to: free, kind: "mark", note: message.stage === "stored" ? "" : message.reason ?? "" });
  return rows;
};

export const way = (message) => {
  const now = Date.now();
  const rows = steps(message, now);
  const timed = rows.filter((row) => row.from !== undefined);
  const start = Math.min(...timed.map((row) => row.from));
  const whole = Math.max(1, ...timed.map((row) => Math.max(row.from, row.to) - start));
  return el("ol", { class: "way" }, ...rows.map(({ label, from, to, kind, how, note, answer }) => {
    if (from === undefined) return el("li", {}, el("span", { class: "label" }, label), el("span", { class: "track" }), el("span", { class: "ms" }), el("span", { class: "note mono" }, line(note)));
    const x = ((from - start) / whole) * 1_000;
    const width = Math.max(kind === "mark" ? 6 : 4, ((to - from) / whole) * 1_000);
    const bar = svg("svg", { class: "track", viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: kind, x: Math.min(x, 994).toFixed(1), y: 1, width: width.toFixed(1), height: 8 }));
    const took = kind === "mark" ? "" : span(Math.max(0, to - from));
    return el("li", { class: kind }, el("span", { class: "label" }, label, answer ? el("span", { class: `try ${how}` }, answer) : null), bar,
      el("span", { class: "ms" }, `+${span(Math.max(0, from - start))}`, took ? el("b", {}, took) : null), note ? el("span", { class: "note" }, line(note)) : null);
  }));
};

// What it waits for now, for who healed everything and wonders.
export const waits = (message, { limits, paused, handler }) => {
  if (message.stage === "waiting") {
    if (paused) return ["The queue is paused: it hands nothing out."];
    return [handler.ready ? "It waits until the function takes it." : "The function is not ready."];
  }
  if (message.stage !== "delivering") return null;
  const { next } = message;
  const stays = "Healing does not shorten it: the function has decided on it already.";
  if (next?.what === "upload") return [{ before: `Upload ${next.attempt} comes`, due: next.due }, stays];
  if (next?.what === "give back") return [{ before: "It is given back to the queue", due: next.due }, stays];
  if (next?.what === "fallback") return [{ before: "The Logic App is asked; the function gives up on its answer", due: new Date(ms(next.at) + limits.fallback).toISOString() }];
  const open = message.requests.findLast((request) => request.answer === null);
  if (open) return [{ before: `${open.method} has no answer yet; the function gives up on it`, due: new Date(ms(open.at) + limits.upload).toISOString() }, "A storage that hangs answers no request it took before it was healed."];
  return ["The function is at work on it."];
};
