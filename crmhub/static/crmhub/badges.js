// Refreshes badges and the panel of links every two seconds while something on the page waits, and leaves the page alone else.
"use strict";

(function () {
  const EVERY = 2000;
  const GIVE_UP_AFTER = 300; // rounds; a page left open overnight does not ask for ever
  let rounds = 0;

  async function refreshBadges() {
    const moving = Array.from(document.querySelectorAll("[data-badges][data-moving]"));
    if (!moving.length) return;
    const ids = moving.map((element) => element.dataset.badges).join(",");
    const address = new URL("badges/", document.location.origin + document.location.pathname);
    const answer = await fetch(`${address}?ids=${encodeURIComponent(ids)}`, { credentials: "same-origin" });
    if (!answer.ok) return;
    const drawn = await answer.json();
    for (const element of moving) {
      if (drawn[element.dataset.badges]) element.outerHTML = drawn[element.dataset.badges];
    }
  }

  async function refreshPanel() {
    const panel = document.querySelector("#hub-links[data-moving]");
    if (!panel || panel.contains(document.activeElement)) return;
    const answer = await fetch(panel.dataset.refresh, { credentials: "same-origin" });
    if (answer.ok) panel.outerHTML = await answer.text();
  }

  async function round() {
    rounds += 1;
    if (!document.hidden) {
      try {
        await Promise.all([refreshBadges(), refreshPanel()]);
      } catch (error) {
        // The next round asks again; a hub that restarts is no reason to disturb the reader.
      }
    }
    if (rounds < GIVE_UP_AFTER && document.querySelector("[data-moving]")) window.setTimeout(round, EVERY);
  }

  document.addEventListener("DOMContentLoaded", () => window.setTimeout(round, EVERY));
})();
