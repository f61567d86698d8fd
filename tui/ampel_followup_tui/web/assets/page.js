// Before the terminal starts: where its app is, what of the address is meant, and the keyboard.
"use strict";

// The cookie holds from now on: what is copied or bookmarked need not have the token. The terminal would heed some more.
const address = new URL(window.location.href);
for (const key of [...address.searchParams.keys()]) {
  if (key !== "observer" && key !== "fontsize") {
    address.searchParams.delete(key);
  }
}
window.history.replaceState(null, "", address);

const terminal = document.getElementById("terminal");
if (terminal !== null) {
  const app = new URL(`/ws/${encodeURIComponent(terminal.dataset.observer)}`, address.origin);
  app.protocol = app.protocol === "https:" ? "wss:" : "ws:";
  terminal.dataset.sessionWebsocketUrl = app.href;

  const focus = () => document.querySelector(".xterm-helper-textarea")?.focus();
  new MutationObserver(focus).observe(document.body, { attributeFilter: ["class"] });
  window.addEventListener("focus", focus);
  document.getElementById("again").addEventListener("click", () => window.location.reload());

  // A file comes as a file: a new window for it would be blocked by many a browser.
  const openWindow = window.open.bind(window);
  window.open = (url, ...others) => {
    if (url === undefined || !String(url).startsWith(`${address.origin}/download/`)) {
      return openWindow(url, ...others);
    }
    const link = Object.assign(document.createElement("a"), { href: url, download: "" });
    link.click();
    return null;
  };
}
