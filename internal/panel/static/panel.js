// Buttons that copy, the question before somebody leaves a page whose records DNS does not
// have yet, and statuses that change while somebody looks. Every page works without this file.
"use strict";

for (const button of document.querySelectorAll("button.copy")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    let copied = false;
    try {
      await navigator.clipboard.writeText(source.textContent);
      copied = true;
    } catch {
      getSelection().selectAllChildren(source); // without https there is no clipboard
      copied = document.execCommand("copy");
    }
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

const unverified = "[data-unverified]";
let ask = document.querySelector(unverified) !== null;
const here = location.pathname.slice(0, location.pathname.lastIndexOf("/") + 1); // all pages of this domain
addEventListener("submit", () => (ask = false));
addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link && link.pathname.startsWith(here)) ask = false;
});
addEventListener("beforeunload", (event) => {
  if (ask) event.preventDefault();
});

const live = "[data-live]", often = 10_000, long = 3_600_000; // milliseconds
if (document.querySelector(live)) {
  const timer = setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href);
      if (!answer.ok || answer.redirected) return;
      const now = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll(live)) {
        const fresh = now.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
        if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
      }
      ask &&= now.querySelector(unverified) !== null;
    } catch {} // the next time
  }, often);
  setTimeout(() => clearInterval(timer), long); // a tab that is left open asks no more
}
