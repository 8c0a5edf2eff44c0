// Conveniences only: every page works without this file.

const stored = (name) => {
  try { return localStorage.getItem(name); } catch { return null; }
};
const store = (name, value) => {
  try { localStorage.setItem(name, value); } catch { /* private windows keep nothing */ }
};

// The reader's own clock beside the post's, where they differ.
const here = document.querySelector("main")?.dataset.here;
const format = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", numberingSystem: "latn" };
const clock = new Intl.DateTimeFormat(document.documentElement.lang, format);
for (const due of document.querySelectorAll("[data-at]")) {
  const mine = clock.format(new Date(due.dataset.at));
  if (due.querySelector(".clock")?.textContent === mine) continue;
  const shown = document.createElement("span");
  shown.className = "zone here";
  shown.textContent = `${mine} ${here}`;
  due.append(" ", shown);
}

// Single keys, which can be switched off and never act while somebody types.
const dialog = document.getElementById("keys");
const box = document.getElementById("single-keys");
const show = document.getElementById("show-keys");
if (dialog && box && show) {
  box.checked = stored("single-keys") !== "off";
  box.addEventListener("change", () => store("single-keys", box.checked ? "on" : "off"));
  show.hidden = false;
  show.addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select, [contenteditable]");
    const chord = event.ctrlKey || event.metaKey || event.altKey;
    if (field || chord || dialog.open || !box.checked) return;
    const act = keys[event.key];
    if (act && act() !== false) event.preventDefault();
  });
}

const keys = {
  "?": () => dialog.showModal(),
  j: () => step(1),
  k: () => step(-1),
  a: () => focusOn("approve"), // to the button, never pressing it: approving is Enter, on purpose
  r: () => focusOn("reason"),
};

function focusOn(id) {
  const found = document.getElementById(id);
  if (!found || found.disabled) return false;
  found.focus();
  found.scrollIntoView({ block: "center" });
}

function step(by) {
  const posts = [...document.querySelectorAll("a[data-post]")];
  if (!posts.length) return false;
  const at = posts.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : posts.length - 1) : at + by;
  posts[Math.min(posts.length - 1, Math.max(0, next))].focus();
}

// An answer that a small form cannot show (signed out, not allowed, down): ask again as a page.
for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.body.addEventListener(name, (event) => {
    const source = event.detail.elt;
    const form = source.closest("form");
    if (!form) return;
    if (source !== form && source.formAction) form.action = source.formAction;
    form.submit(); // plain: fires no submit event, so htmx does not take it again
  });
}
