// What plain HTML and htmx cannot do, all of it optional: every page works without this file.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const say = (text) => { const live = $("#say"); if (live) live.textContent = text; };

  // A second tap on a form that changes something, while the first is on its way, does nothing. (The server would
  // take it once anyway: each such form carries a key.)
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if ((form.getAttribute("method") || "").toLowerCase() !== "post") return;
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.setAttribute("aria-busy", "true");
    setTimeout(() => free(form), 10000);  // an answer that is a file leaves the page, and the form, where they are
  }, true);
  const free = (form) => { if (form && form.matches && form.matches("form")) form.removeAttribute("aria-busy"); };
  document.addEventListener("htmx:finally:request", (event) => {
    free(event.detail.ctx.sourceElement);
  });
  // Back from the browser's own cache: the form is as it was left, so it must be free again.
  addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy]").forEach(free));

  // Where a reader goes on: the first mistake, else the top of the page that has just replaced another one.
  const settle = (wholePage) => {
    const wrong = $("#errors") || $("[aria-invalid=true]");
    if (wrong) { wrong.focus(); return; }
    const focused = document.activeElement;
    if (wholePage && (!focused || focused === document.body)) {
      const top = $("#main");
      if (top) top.focus({ preventScroll: true });
    }
  };
  document.addEventListener("htmx:after:swap", (event) => {
    const ctx = event.detail.ctx;
    const whole = ctx.target === document.body;
    // Not after a count or a search that ran while somebody types.
    if (whole || (ctx.sourceEvent && ctx.sourceEvent.type === "submit" && ctx.request.method === "POST")) settle(whole);
    if (whole) say(document.title);
    reveal();
  });

  // Copy and scan buttons are in the page but hidden; they show where the browser can.
  const reveal = () => {
    const show = (what) => document.querySelectorAll(what + "[hidden]").forEach((one) => { one.hidden = false; });
    if (navigator.clipboard) show("[data-copy]");
    if (window.BarcodeDetector && navigator.mediaDevices) show("[data-scan]");
    const now = $("[data-scan][data-now]:not([hidden])");
    if (now) now.click();
  };
  // The camera's script comes when somebody asks for it.
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-scan]");
    if (button) import(button.dataset.scan).then((scanner) => scanner.scan(button));
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-copy]");
    if (!button) return;
    navigator.clipboard.writeText(button.dataset.copy).then(() => say(button.dataset.copied || ""));
    button.classList.add("good");
  });
  // A print button, likewise.
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest("[data-print]")) print();
  });

  // The browser's time zone, for a form that asks for the shop's.
  document.querySelectorAll("[data-zone]").forEach((field) => {
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  });

  // Seconds that are left by the server's clock, counted down; at the end the page is asked for anew (not by all at once).
  document.querySelectorAll("[data-countdown]").forEach((clock) => {
    const ends = Date.now() + Number(clock.dataset.countdown) * 1000;
    const two = (number) => String(number).padStart(2, "0");
    const tick = () => {
      const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
      clock.textContent = `${two(Math.floor(left / 3600))}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
      if (left > 0) return;
      clearInterval(beat);
      setTimeout(() => location.reload(), 300 + Math.random() * 1200);
    };
    const beat = setInterval(tick, 1000);
    tick();
  });

  reveal();
  settle(false);
})();
