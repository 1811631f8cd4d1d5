// Lets a visitor hide what they have read. What that is stays in this browser: nothing is sent anywhere.
(() => {
  "use strict";
  const KEY = "aggregator-read", MOST = 2000;
  const words = document.currentScript.dataset;
  let known;
  try {
    known = JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    return; // no storage, or none that is ours
  }
  const read = new Set(Array.isArray(known.read) ? known.read : []);
  let hides = known.hides === true;
  const main = document.querySelector("main");
  const entries = [...main.querySelectorAll("article")]
    .map((entry) => [entry, entry.querySelector(":is(h2, h3) a")])
    .filter(([, link]) => link);
  if (!entries.length) return;
  const save = () => {
    try {
      localStorage.setItem(KEY, JSON.stringify({ hides, read: [...read].slice(-MOST) }));
    } catch {
      // full or forbidden: it holds until the page is left
    }
  };
  const button = document.createElement("button");
  button.type = "button";
  button.className = "hide";
  const show = () => {
    for (const [entry, link] of entries) {
      const isRead = read.has(link.href);
      entry.classList.toggle("read", isRead);
      entry.hidden = hides && isRead;
    }
    for (const day of main.querySelectorAll(".day")) {
      day.hidden = !day.querySelector("article:not([hidden])");
    }
    button.textContent = hides ? words.show : words.hide;
  };
  button.addEventListener("click", () => {
    hides = !hides;
    save();
    show();
  });
  for (const [entry, link] of entries) {
    const opened = (event) => {
      if (event.button > 1) return;
      read.delete(link.href); // the last ones are kept
      read.add(link.href);
      entry.classList.add("read");
      save();
    };
    link.addEventListener("click", opened);
    link.addEventListener("auxclick", opened);
  }
  main.append(button); // behind the entries, which a keyboard reaches first
  show();
})();
