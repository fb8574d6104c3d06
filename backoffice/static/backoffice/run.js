/* Keeps the page of a run up to date: asks for the part that changes, and replaces it when its ETag has changed.
   Times that pass tick here, by the server's clock. */
(() => {
  "use strict";
  const EVERY = 1500;
  const AT_MOST = 30000;

  // As formats.duration writes what is under 100 days: nobody watches a run for longer.
  function duration(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
    return `${Math.floor(whole / 86400)} days`;
  }

  function watch(box) {
    const lost = document.querySelector("[data-live-lost]");
    let etag = "";
    let wait = EVERY;

    const ahead = Date.now() / 1000 - Number(box.dataset.now);

    function tick() {
      const now = Date.now() / 1000 - ahead;
      box.querySelectorAll("[data-since]").forEach((element) => {
        element.textContent = duration(now - Number(element.dataset.since));
      });
    }

    const live = () => Boolean(box.querySelector("[data-run-live]"));

    function replace(html) {
      const focused = document.activeElement && box.contains(document.activeElement) ? document.activeElement.id : "";
      const opened = [...box.querySelectorAll("details[open][id]")].map((element) => element.id);
      box.innerHTML = html;
      tick();
      opened.forEach((id) => { const element = document.getElementById(id); if (element) element.open = true; });
      if (focused) { const element = document.getElementById(focused); if (element) element.focus(); }
    }

    async function ask() {
      if (document.hidden) return;
      const response = await fetch(box.dataset.liveUrl, {
        headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store", redirect: "error",
      });
      if (response.status !== 304 && !response.ok) throw new Error(String(response.status));
      if (response.status === 200) {
        etag = response.headers.get("ETag") || "";
        replace(await response.text());
      }
    }

    async function turn() {
      try {
        await ask();
        wait = EVERY;
        lost.classList.remove("nw-shown");
      } catch {
        wait = Math.min(wait * 2, AT_MOST);
        lost.classList.add("nw-shown");
      }
      if (live()) setTimeout(turn, wait);
    }

    if (live()) {
      setTimeout(turn, EVERY);
      setInterval(tick, 1000);
    }
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-live-url]").forEach(watch));
})();
