// The rights desk: requests of people who may be enrolled, from their arrival to the letter.

import { attempting, byId, counted, day, facts, make, minute, state, words } from "/static/elements.js";
import { showFound, chosen } from "/static/found.js";
import { request, upload } from "/static/server.js";

const shown = { id: null, me: null };
const attempt = attempting(show);

const NEXT = {
  received: "Make sure that they are who they say.",
  identified: "Look for them, compare the faces, then decide. Nothing is done before another person releases it.",
  released: "It is done. Send the letter, then close the request.",
  closed: "Closed.",
};
const CONSENT_FIRST = "Keep their consent with a photograph of them, compare the faces, then decide. Nobody stays out without it.";
const EFFECT = {
  access: "Granted, the letter says what is held of whom you tick, and which searches returned them.",
  erasure: "Granted and released, whom you tick is erased for good, everywhere.",
  objection: "Granted and released, whom you tick is erased for good, everywhere.",
  searches: "Granted, the letter says which searches returned whom you tick.",
  "stay-out": "Granted and released, faces that are taken for theirs are not enrolled. The letter says what is held of whom you tick.",
};

const path = (step) => `/v1/requests/${shown.id}${step}`;

function due({ due_on: on, overdue }) {
  return overdue ? `late: was due ${day(on)}` : `due ${day(on)}`;
}

function requestRow(one) {
  const open = make("button", {
    text: words(one.kind),
    class: "link",
    type: "button",
    "aria-label": `${words(one.kind)}, ${due(one)}`,
    "aria-current": one.request_id === shown.id && "true",
  });
  open.addEventListener("click", () => attempt(async () => { shown.id = one.request_id; shown.moved = true; }));
  const hint = make("span", { text: due(one), class: one.overdue ? "hint late" : "hint" });
  return make("li", {}, [open, state(one), hint]);
}

function stepRow({ at, by, state: after, words: said }) {
  const who = by === shown.me ? "you" : `user ${by.slice(0, 8)}`;
  const hint = [minute(at), who, said].filter(Boolean).join(" · ");
  return make("li", {}, [make("strong", { text: words(after) }), make("span", { text: hint, class: "hint" })]);
}

function next(one) {
  if (one.state === "identified" && one.kind === "stay-out" && one.consent === null) return CONSENT_FIRST;
  if (one.state !== "decided") return NEXT[one.state];
  const what = `${one.decision.granted ? "Granted" : "Refused"}, because: ${one.decision.reason}. `;
  const many = one.decision.subjects.length;
  const who = many ? counted(many, "person is", "people are") : "Nobody is";
  return `${what}${who} taken for the requester. ${
    one.decision.by === shown.me ? "It waits for somebody else than you to release it." : "Look at it again, then release it or send it back."
  }`;
}

function showState(one) {
  for (const part of document.querySelectorAll("[data-states]")) {
    const { states, kinds = one.kind } = part.dataset;
    part.hidden = !states.split(" ").includes(one.state) || !kinds.split(" ").includes(one.kind);
  }
  byId("release").hidden ||= one.decision.by === shown.me;
  byId("letter").hidden ||= !one.steps.some((step) => step.state === "released");
  byId("letter-link").href = path("/letter");
  byId("letter-link").download = `${one.request_id}.pdf`;
  byId("one-next").textContent = next(one);
  byId("decide-effect").textContent = EFFECT[one.kind];
}

async function showOne() {
  byId("one").hidden = shown.id === null;
  if (shown.id === null) return;
  const one = await request("GET", path(""));
  byId("one-heading").replaceChildren(make("span", { text: words(one.kind) }), state(one));
  byId("one-facts").replaceChildren(...facts({
    Name: one.name, Letter: one.contact, Received: day(one.received_on), Deadline: due(one), Request: one.request_id,
    ...(one.consent && { "Consent until": day(one.consent.ends_on), Entry: one.consent.entry_id }),
  }));
  showState(one);
  byId("steps").replaceChildren(...one.steps.toReversed().map(stepRow));
  if (shown.moved) byId("one-heading").focus();
  shown.moved = false;
  await showFound(one);
}

async function show() {
  shown.me ??= (await request("GET", "/session")).user_id;
  const { requests } = await request("GET", `/v1/requests?closed=${byId("closed").checked}`);
  const late = requests.filter(({ overdue }) => overdue).length;
  byId("counts").textContent = counted(requests.length, "request", "requests") + (late ? `, ${late} late` : "");
  byId("list").replaceChildren(...requests.map(requestRow));
  if (requests.length === 0) byId("list").append(make("li", { text: "None.", class: "hint" }));
  const { entries } = await request("GET", "/v1/stay-out");
  const inForce = entries.filter(({ since }) => since !== null).length;
  byId("stay-out-count").textContent = `${counted(inForce, "entry is", "entries are")} in force. New faces are compared with them, and they are used for nothing else.`;
  await showOne();
}

// Sends a form's fields where `to` says, and empties it once they were taken.
function sending(id, to, fields = (form) => Object.fromEntries(new FormData(form))) {
  const form = byId(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const answer = await upload(to(), fields(form));
      form.reset();
      shown.id = answer.request_id;
      shown.moved = true;
    });
  });
}

sending("receive-form", () => "/v1/requests");
sending("identity-form", () => path("/identity"));
sending("look-form", () => path("/look"));
sending("decide-form", () => path("/decision"), (form) => ({
  granted: form.elements.granted.value,
  reason: form.elements.reason.value,
  tells_searches: String(!form.elements.withhold.checked),
  subjects: chosen().join(","),
}));
sending("consent-form", () => path("/consent"), (form) => ({
  photograph: [...form.elements.photograph.files],
  document: form.elements.document.files[0],
  until: form.elements.until.value,
}));
sending("return-form", () => path("/return"));
sending("close-form", () => path("/closing"));

byId("stay-out-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  attempt(async () => {
    await request("DELETE", `/v1/stay-out/${encodeURIComponent(form.elements.entry.value.trim())}`);
    form.reset();
  });
});
byId("release-button").addEventListener("click", () => attempt(async () => {
  await request("POST", path("/release"));
  shown.moved = true;
}));
byId("closed").addEventListener("change", () => attempt(async () => {}));

attempt(async () => {});
