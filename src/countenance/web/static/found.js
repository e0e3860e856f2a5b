// Whom a requester's photograph looked like: their faces side by side, each to be ticked by the person who compares them.

import { byId, make } from "/static/elements.js";
import { request } from "/static/server.js";

const shown = { key: null };

// Returns what is on record of somebody; null where they are not there any more, or whoever asks may not look at them.
async function onRecord(subjectId) {
  try {
    return await request("GET", `/v1/subjects/${subjectId}`);
  } catch (problem) {
    if (problem.code === "subject-unknown") return null;
    throw problem;
  }
}

function tile({ subject_id: id, source, score }, record, { ticked, open }) {
  const name = record === null ? "Not held any more, or not shown to your organisation" : record.subject.label ?? "Unnamed";
  const pictures = record === null ? [] : record.faces.slice(0, 4).map((face) =>
    make("img", { src: `/v1/faces/${face.face_id}/crop`, alt: `Enrolled face of ${name}`, width: 96, height: 96 }));
  const box = make("input", { type: "checkbox", value: id, name: "subject", checked: ticked, disabled: !open || record === null });
  return make("li", {}, [
    make("div", { class: "pictures" }, pictures),
    make("strong", { text: name }),
    make("span", { text: `${source} · score ${score.toFixed(3)}`, class: "hint" }),
    make("label", {}, [box, " This is the requester"]),
  ]);
}

// The ids of those who were ticked.
export const chosen = () => [...byId("found").querySelectorAll("input:checked")].map(({ value }) => value);

// Shows a request's faces; those that stand there already stay, with what was ticked.
export async function showFound({ request_id: id, found, left_out: leftOut, decision, state }) {
  byId("found-panel").hidden = found.length === 0 && !leftOut;
  byId("left-out").hidden = !leftOut;
  const key = JSON.stringify([id, state, found]);
  if (key === shown.key) return;
  const records = await Promise.all(found.map(({ subject_id: subject }) => onRecord(subject)));
  const tiles = found.map((one, at) => tile(one, records[at], {
    ticked: decision?.subjects.includes(one.subject_id) ?? false,
    open: state === "identified",
  }));
  byId("found").replaceChildren(...tiles);
  shown.key = key;
}
