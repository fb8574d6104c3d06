/* Keeps the page of a run up to date: asks for the part that changes, and replaces it when its ETag has changed. */
(() => {
  "use strict";
  const EVERY = 1500;
  const AT_MOST = 30000;

  function watch(box) {
    const lost = document.querySelector("[data-live-lost]");
    let etag = "";
    let wait = EVERY;

    const live = () => Boolean(box.querySelector("[data-run-live]"));

    function replace(html) {
      const focused = document.activeElement && box.contains(document.activeElement) ? document.activeElement.id : "";
      const opened = [...box.querySelectorAll("details[open][id]")].map((element) => element.id);
      box.innerHTML = html;
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

    if (live()) setTimeout(turn, EVERY);
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-live-url]").forEach(watch));
})();
