/* Small helps on every page; each page also works without them. */
(() => {
  "use strict";

  // unfold's menu switches are not focusable of themselves.
  function makeReachable() {
    document.querySelectorAll("span[x-on\\:click], div[x-on\\:click], h2[x-on\\:click]").forEach((element) => {
      if (element.hasAttribute("tabindex") || element.id === "changelist-filter-close") return;
      element.setAttribute("tabindex", "0");
      element.setAttribute("role", "button");
      const icon = element.classList.contains("material-symbols-outlined") && element.textContent.trim();
      if (icon) element.setAttribute("aria-label", icon === "close" ? "Close the menu" : "Show or hide the menu");
      element.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        element.click();
      });
    });
  }

  // The box in a table's head ticks all rows; buttons that need a ticked row wait for one.
  function wireTicks(form) {
    const boxes = [...form.querySelectorAll("input[name=row]")];
    const all = form.querySelector("[data-tick-all]");
    const needy = form.querySelectorAll("[data-needs-rows]");
    const counter = form.querySelector("[data-ticked]");
    function show() {
      const ticked = boxes.filter((box) => box.checked).length;
      needy.forEach((button) => { button.disabled = ticked === 0; });
      if (counter) counter.textContent = ticked ? `${ticked} selected` : "Nothing selected";
      if (all) {
        all.checked = ticked > 0 && ticked === boxes.length;
        all.indeterminate = ticked > 0 && ticked < boxes.length;
      }
    }
    if (all) {
      all.hidden = false;
      all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); show(); });
    }
    boxes.forEach((box) => box.addEventListener("change", show));
    show();
  }

  // django-rq calls a jQuery plugin that Django's own script no longer is.
  function standInForActions() {
    const jQuery = window.django && window.django.jQuery;
    if (jQuery && !jQuery.fn.actions) jQuery.fn.actions = function () { return this; };
  }

  // unfold writes the chosen file's name into a field of its own form, which ours do not have.
  function keepFileInputs() {
    document.querySelectorAll(".nw input[type=file]").forEach((input) => { input.hasChangeListener = true; });
  }

  document.addEventListener("DOMContentLoaded", () => {
    standInForActions();
    keepFileInputs();
    makeReachable();
    document.querySelectorAll("form[data-ticks]").forEach(wireTicks);
    // A filter applies as soon as it is chosen; the button is for those without this script.
    document.querySelectorAll("form[data-instant] select").forEach((select) => {
      select.addEventListener("change", () => select.form.requestSubmit());
    });
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-ticks] input[name=row]").forEach((box) => box.dispatchEvent(new Event("change")));
  });
})();
