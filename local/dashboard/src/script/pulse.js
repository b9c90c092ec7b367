// The last minute: a number and a line each for what was settled, how long it took, what failed
// and what waited.

import { $, count, number, put, span, svg } from "./dom.js";

const WIDTH = 240, HEIGHT = 34;

// A point for each second, the newest at the right; a gap where there is nothing to tell.
const spark = (id, lines, what) => {
  const most = Math.max(1, ...lines.flatMap(([, values]) => values.filter((value) => value !== null)));
  const paths = lines.map(([name, values]) => {
    let pen = "M";
    let path = "";
    values.forEach((value, index) => {
      if (value === null) { pen = "M"; return; }
      const x = WIDTH - (values.length - 1 - index) * (WIDTH / 59);
      const y = HEIGHT - 2 - (value / most) * (HEIGHT - 5);
      // A dash that can be seen where its neighbours are gaps.
      path += pen === "M" ? `M${(x - 2).toFixed(1)} ${y.toFixed(1)}h2` : `L${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
    });
    return svg("path", { class: name, d: path });
  });
  const node = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": what }, ...paths);
  $(id).replaceChildren(node);
};
const sum = (values) => values.reduce((all, one) => all + one, 0);

export const pulse = ({ settled, accepted, failed, waiting, p50, p99, minute }) => {
  const last = settled.slice(-5);
  const rate = last.length ? sum(last) / last.length : 0;
  put("rate", rate < 10 ? String(Math.round(rate * 10) / 10) : number(Math.round(rate)));
  put("rate-more", ` per second, ${number(sum(settled))} in the last minute`);
  put("took", minute.p50 === null ? "–" : span(minute.p50));
  put("took-more", minute.p99 === null ? " nothing stored in the last minute" : ` p50, ${span(minute.p99)} p99`);
  put("failed", number(sum(failed)));
  put("failed-more", " in the last minute");
  spark("spark-rate", [["other", accepted], ["line", settled]], `Settled in each second of the last minute: ${sum(settled)}, at most ${Math.max(0, ...settled)}`);
  spark("spark-took", [["other", p99], ["line", p50]], minute.p50 === null ? "Nothing was stored in the last minute" : `Half of the orders within ${span(minute.p50)}, 99 % within ${span(minute.p99)}`);
  spark("spark-failed", [["line bad", failed]], `Failures in each second of the last minute: ${sum(failed)}`);
  spark("spark-waiting", [["line", waiting]], `Messages in the queue in the last minute: at most ${Math.max(0, ...waiting)}`);
};

export const queued = ({ active, locked }, { uploadsFailed, givenBack }, isForeign) => {
  put("waiting", number(active + locked));
  put("waiting-more", ` ${active + locked === 1 ? "message" : "messages"}, ${number(locked)} ${isForeign ? "handed out" : "with the function"}`);
  $("failed-more").title = `In this run: ${count(uploadsFailed, "upload")} failed, ${count(givenBack, "delivery", "deliveries")} given back`;
};
