// The cart without a full reload. Everything here also works without this script.
"use strict";
(() => {
  const cart = () => document.getElementById("cart");
  if (!cart()) return;
  // One after another, in the order of the clicks.
  let line = Promise.resolve();
  let clicks = 0;
  // A row that is replaced between press and release of a button would swallow the click.
  let released = Promise.resolve();
  document.addEventListener("pointerdown", () => {
    released = new Promise((release) => {
      for (const end of ["pointerup", "pointercancel"]) {
        document.addEventListener(end, () => setTimeout(release), { once: true });
      }
    });
  });
  let watching = 0;

  const show = (page, saysSo) => {
    const focused = document.activeElement && document.activeElement.id;
    const had = focused && cart().contains(document.activeElement);
    for (const id of ["cart", "basket"]) {
      const fresh = page.getElementById(id);
      if (fresh) document.getElementById(id).replaceWith(document.adoptNode(fresh));
    }
    if (saysSo) document.getElementById("note").textContent = page.getElementById("note").textContent;
    // The keyboard stays where it was; a line that left hands it to the page.
    if (had) (document.getElementById(focused) || document.getElementById("main")).focus({ preventScroll: true });
    watch();
  };

  const load = async (url, options) => {
    const answer = await fetch(url, { credentials: "same-origin", ...options });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok || !page.getElementById("cart")) throw new Error("not the cart");
    return page;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-step]") || !event.submitter) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    body.set(event.submitter.name, event.submitter.value);
    clicks += 1;
    line = line
      .then(() => load(form.action, { method: "POST", body }))
      .then(async (page) => {
        clicks -= 1;
        await released;
        // The answer to a later click shows more.
        if (clicks === 0) show(page, true);
      })
      // Whatever went wrong, the plain page says it.
      .catch(() => location.assign("/cart"));
  });

  // While a reservation is pending: has it been made?
  const watch = () => {
    clearTimeout(watching);
    if (!document.querySelector("[data-pending]")) return;
    watching = setTimeout(() => {
      line = line
        .then(() => load(location.pathname))
        .then((page) => {
          const fresh = page.getElementById("state");
          const shown = document.getElementById("state");
          if (fresh && shown) shown.replaceWith(document.adoptNode(fresh));
        })
        .catch(() => {})
        .then(watch);
    }, 1500);
  };
  watch();
})();
