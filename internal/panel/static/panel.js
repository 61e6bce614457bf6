// Buttons that copy, and the question before somebody leaves a page whose records DNS
// does not have yet. Every page works without this file.
"use strict";

for (const button of document.querySelectorAll("button.copy")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) continue;
  button.hidden = false;
  button.setAttribute("aria-label", "Copy: " + source.textContent.slice(0, 60));
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

if (document.querySelector("[data-unverified]")) {
  let sending = false;
  const here = location.pathname.slice(0, location.pathname.lastIndexOf("/") + 1); // all pages of this domain
  addEventListener("submit", () => (sending = true));
  addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link && link.pathname.startsWith(here)) sending = true;
  });
  addEventListener("beforeunload", (event) => {
    if (!sending) event.preventDefault();
  });
}
