// Vetting: organisations on record, what waits for this operator, people and what was done.

import { attempting, byId, counted, facts, make, minute, state, words } from "/static/elements.js";
import { request, upload } from "/static/server.js";

const shown = { id: null };
const attempt = attempting(show);

function button(text, act) {
  const made = make("button", { text, class: "quiet", type: "button" });
  made.addEventListener("click", () => attempt(act));
  return made;
}

function organisationRow(one) {
  const open = make("button", { text: one.name, class: "link", type: "button" });
  open.addEventListener("click", () => attempt(() => { shown.id = one.organisation_id; }));
  const hint = `${words(one.sector)} · ${one.region ?? one.country}`;
  return make("li", {}, [open, state(one), make("span", { text: hint, class: "hint" })]);
}

// Sends a decision with the reason that stands in the form, once there is one.
function decide(path, more = {}) {
  return async () => {
    if (!byId("decide-form").reportValidity()) return;
    const json = { reason: byId("reason").value, ...more };
    await request("POST", `/operator/organisations/${shown.id}/${path}`, { json });
    byId("decide-form").reset();
  };
}

function decisions(one) {
  const waits = one.state === "applied" || one.state === "suspended";
  const found = [];
  if (waits && !one.reviewed_by_you) found.push(button("Admit", decide("reviews", { admit: true })));
  if (waits) found.push(button("Refuse", decide("reviews", { admit: false })));
  if (one.state === "active" || one.state === "applied") found.push(button("Suspend", decide("suspension")));
  if (one.state !== "cancelled") found.push(button("Cancel for good", decide("cancellation")));
  return found;
}

function waiting(one) {
  if (one.state !== "applied" && one.state !== "suspended") return null;
  const by = one.admitted_by.length ? `Admitted by ${one.admitted_by.join(", ")}. ` : "";
  return `${by}${one.reviewed_by_you ? "It waits for another operator." : "Two operators have to admit it."}`;
}

function personRow(person) {
  const invite = button("One-time code", async () => {
    const { code } = await request("POST", `/operator/people/${person.user_id}/invitation`);
    byId("code").textContent = `${person.login} signs in once with ${code}. It is not shown again.`;
    byId("code").hidden = false;
  });
  const end = button("Deactivate", async () => {
    if (!byId("decide-form").reportValidity()) return;
    await request("POST", `/operator/people/${person.user_id}/deactivation`, { json: { reason: byId("reason").value } });
  });
  const hint = make("span", { text: `${person.name} · ${person.roles.join(", ")}`, class: "hint" });
  const buttons = person.state === "deactivated" ? [] : [invite, end];
  return make("li", {}, [make("strong", { text: person.login }), state(person), hint, ...buttons]);
}

function changeRow(change) {
  const what = [words(change.action), change.user].filter(Boolean).join(": ");
  const hint = `${minute(change.at)} · ${change.by} · ${change.reason}`;
  return make("li", {}, [make("strong", { text: what }), make("span", { text: hint, class: "hint" })]);
}

function documentRow({ name, sha256 }) {
  const path = `/operator/organisations/${shown.id}/documents/${sha256}`;
  return make("li", {}, [
    make("a", { text: name, class: "link", href: path, download: name }),
    make("span", { text: `SHA-256 ${sha256.slice(0, 16)}…`, class: "hint" }),
  ]);
}

async function showOne() {
  byId("one").hidden = shown.id === null;
  if (shown.id === null) return;
  const one = await request("GET", `/operator/organisations/${shown.id}`);
  byId("one-heading").replaceChildren(make("span", { text: one.name }), state(one));
  const known = { Sector: words(one.sector), Country: one.country, Region: one.region ?? "whole country", Contact: one.contact };
  byId("one-facts").replaceChildren(...facts(known));
  byId("one-documents").replaceChildren(...one.documents.map(documentRow));
  byId("one-waits").textContent = waiting(one) ?? "";
  byId("one-waits").hidden = waiting(one) === null;
  byId("decide-buttons").replaceChildren(...decisions(one));
  byId("decide-form").hidden = one.state === "cancelled";
  byId("people").replaceChildren(...one.people.map(personRow));
  byId("person-form").hidden = one.state !== "active";
  byId("changes").replaceChildren(...one.changes.toReversed().map(changeRow));
}

async function show() {
  const { organisations } = await request("GET", "/operator/organisations");
  byId("counts").textContent = counted(organisations.length, "organisation", "organisations");
  byId("list").replaceChildren(...organisations.map(organisationRow));
  if (organisations.length === 0) byId("list").append(make("li", { text: "None yet.", class: "hint" }));
  await showOne();
}

byId("apply-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  attempt(async () => {
    const fields = Object.fromEntries(new FormData(form));
    const made = await upload("/operator/organisations", fields);
    form.reset();
    shown.id = made.organisation_id;
  });
});

byId("person-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  attempt(async () => {
    const roles = new FormData(form).getAll("role");
    const json = { login: byId("login").value.trim(), name: byId("person-name").value, roles };
    await request("POST", `/operator/organisations/${shown.id}/people`, { json });
    form.reset();
  });
});
byId("decide-form").addEventListener("submit", (event) => event.preventDefault());

attempt(() => {});
