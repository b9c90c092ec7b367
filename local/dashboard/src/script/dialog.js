// What is opened: a message, a dead letter, a mail, a blob.

import { $, OUTCOMES, api, asked, calmly, clock, count, el, line, put, readable, shown, tries } from "./dom.js";

export const opened = { sequence: undefined, from: null };
const show = (title, content) => {
  const dialog = $("dialog");
  put("dialog-title", shown(title));
  const body = $("dialog-body");
  const top = body.scrollTop;
  body.replaceChildren(...content.filter(Boolean));
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

export const open = (sequence) => asked(async () => {
  const message = await api(`messages/${sequence}`);
  opened.sequence = sequence;
  const mail = message.mail && el("button", { type: "button", class: "small", onclick: () => openMail(message.mail) }, "Open the mail");
  const blob = message.requests.findLast((request) => request.method === "PUT" && request.answer === "201")?.path.split("/");
  show(`Message #${sequence}`, [
    facts([
      ["Outcome", el("span", { class: `pill ${message.stage}` }, OUTCOMES[message.stage])], ["Reason", message.reason], ["Mail", mail || null],
      ["Blob", blob ? el("button", { type: "button", class: "small", onclick: () => openBlob(blob[2], decodeURIComponent(blob.slice(3).join("/"))) }, "Open the blob") : null],
      ["Session", message.sessionId], ["Message id", message.messageId], ["Deliveries", String(message.deliveryCount)],
      ["Enqueued", message.enqueuedTime], ["Last change", message.changed], ["Expires", message.expiresAt],
    ]),
    part("Body", el("p", { class: "quiet" }, sized(message.body)), el("pre", {}, pretty(message.body))),
    part("On the wire to Blob Storage", message.requests.length ? el("ol", { class: "wire" }, ...message.requests.map((request) => el("li", {},
      clock(request.at), el("span", { class: "path mono" }, `${request.method} ${line(request.path)}`, el("span", { class: "quiet" }, `  delivery ${request.delivery}`)), ...tries([request.answer ?? "…"])))) : el("p", { class: "quiet" }, "No request of this message was seen there.")),
    message.deliveries.length ? part("Deliveries", el("ol", { class: "wire" }, ...message.deliveries.map((delivery) => el("li", {}, el("span", {}, `Delivery ${delivery.number}`), el("span", { class: "path" }, line(delivery.ended)), el("span", { class: "quiet" }, `${delivery.tookMs} ms`))))) : null,
    part("Log lines of the handler", message.log.length ? el("ol", { class: "wire" }, ...message.log.map((entry) => el("li", { class: entry.level }, clock(entry.at), el("span", { class: "path mono text" }, line(readable(entry.text)))))) : el("p", { class: "quiet" }, "None yet.")),
    part("Properties", el("pre", {}, JSON.stringify(message.properties, null, 2))),
  ]);
});
export const reopen = calmly(async () => { if (opened.sequence !== undefined && $("dialog").open) await open(opened.sequence); });

export const openLetter = (letter) => {
  opened.sequence = undefined;
  show(`Dead letter #${letter.sequence}`, [
    facts([["Reason", letter.reason], ["Deliveries", String(letter.deliveryCount)], ["Session", letter.sessionId], ["Message id", letter.messageId], ["Enqueued", letter.enqueuedTime], ["Dead-lettered", letter.deadLetteredAt]]),
    part("Body", el("p", { class: "quiet" }, sized(letter.body)), el("pre", {}, pretty(letter.body))),
    part("Properties", el("pre", {}, JSON.stringify(letter.properties, null, 2))),
  ]);
};

export const openMail = (number) => asked(async () => {
  const mail = await api(`mails/${number}`);
  opened.sequence = undefined;
  show(mail.subject, [
    facts([["From", mail.from], ["To", mail.to], ["At", mail.at], ["Operation", mail.operationId], ["File", el("a", { href: mail.url }, `${mail.number}.eml`)]]),
    mail.hasHtml ? el("iframe", { sandbox: "", src: `/api/mails/${number}/html`, title: "The mail as its reader sees it" }) : null,
    part("As plain text", el("pre", {}, mail.plainText ?? "(none)")),
  ]);
});

// Lines that went and came, by the longest common subsequence; long bodies are shown without.
const difference = (before, after) => {
  const [a, b] = [before.split("\n"), after.split("\n")];
  if (a.length * b.length > 250_000) return [shown(after)];
  const long = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) for (let j = b.length - 1; j >= 0; j -= 1) long[i][j] = a[i] === b[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
  const lines = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { lines.push(`  ${a[i]}\n`); i += 1; j += 1; }
    else if (i < a.length && (j === b.length || long[i + 1][j] >= long[i][j + 1])) { lines.push(el("del", {}, `- ${a[i]}`)); i += 1; }
    else { lines.push(el("ins", {}, `+ ${b[j]}`)); j += 1; }
  }
  return lines;
};
export const openBlob = (container, name) => asked(async () => {
  const { versions } = await api(`blobs/${encodeURIComponent(container)}/${encodeURIComponent(name)}`);
  opened.sequence = undefined;
  const shownVersions = versions.map((version, index) => {
    const before = versions[index - 1];
    const { metadata } = version;
    const same = before && before.body.data === version.body.data;
    return part(`Version ${version.number}`,
      el("p", { class: "quiet" }, clock(version.at), metadata.sequence ? `, by message #${line(metadata.sequence)}` : "", `, ${sized(version.body)}`),
      same ? el("p", {}, "The same bytes as before.") : el("pre", {}, ...(before ? difference(pretty(before.body), pretty(version.body)) : [pretty(version.body)])));
  });
  show(`${container}/${name}`, shownVersions.reverse());
});
