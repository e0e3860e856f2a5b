// The auditor's page: entries of the log, newest first; no picture is ever asked for.

import { byId, counted, make, showProblem } from "/static/elements.js";
import { request } from "/static/server.js";

const shown = { before: null };

function row(entry) {
  const facts = Object.entries(entry.facts).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(" · ");
  return make("li", { "data-index": entry.index }, [
    make("span", { text: `${entry.index}  ${entry.at.slice(0, 19)}  ${entry.action}, ${entry.outcome}` }),
    make("span", { text: `${entry.user} of ${entry.organisation || "nobody"}`, class: "hint" }),
    make("span", { text: facts, class: "hint" }),
  ]);
}

async function show(before) {
  const asked = new URLSearchParams({ action: byId("action").value.trim() });
  if (before !== null) asked.set("before", before);
  try {
    const page = await request("GET", `/v1/audit/entries?${asked}`);
    if (before === null) byId("entries").replaceChildren();
    byId("entries").append(...page.entries.map(row));
    byId("counts").textContent = counted(page.size, "entry", "entries");
    shown.before = page.before;
    byId("older").hidden = page.before === null;
    showProblem(byId("problem"), null);
  } catch (problem) {
    if (problem.needsSignIn) return location.assign("/");
    showProblem(byId("problem"), problem);
  }
}

byId("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  show(null);
});
byId("older").addEventListener("click", () => show(shown.before));
show(null);
