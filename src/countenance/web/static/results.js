// The candidate list: each candidate's crop beside the probe's chosen face, and the photograph it came from.

import { byId, counted, make } from "/static/elements.js";
import { Boxes, showImage } from "/static/picture.js";
import { strip } from "/static/strip.js";

const body = byId("results-body");
const message = byId("results-message");
const section = byId("results");
const photograph = byId("photograph");
const photographBoxes = new Boxes(byId("photograph-boxes"));

const crop = (candidate) => `/v1/faces/${encodeURIComponent(candidate.face)}/crop`;
const original = (candidate) => `/v1/images/${encodeURIComponent(candidate.image.id)}/content`;
const decimal = (value) => value.toFixed(3).replace("-", "−");
const nameOf = (candidate) => candidate.subject.label ?? "Unnamed";

export function showWaiting() {
  section.setAttribute("aria-busy", "true");
  message.textContent = "Searching…";
  const card = () => make("li", { class: "waiting" }, [
    make("div", { class: "faces-pair" }, [make("div", { class: "tile" }), make("div", { class: "tile" })]),
  ]);
  body.replaceChildren(make("ol", { class: "candidates", "aria-hidden": "true" }, [card(), card(), card(), card()]));
}

export function restore(nodes, text) {
  section.removeAttribute("aria-busy");
  message.textContent = text;
  body.replaceChildren(...nodes);
}

export const shown = () => ({ nodes: [...body.childNodes], text: message.textContent });

// Says that the list belongs to a search before: what is chosen on the left is not what was searched.
export function markStale() {
  if (!body.querySelector(".search-facts") || body.querySelector(".stale-note")) return;
  body.prepend(make("p", { class: "stale-note", text: "This is the answer of the search before. Search again for what is chosen now." }));
}

// `probe`: {name, chosen, further, cut}: the photograph's name, the face's number, the further photographs and faces in
// words, and a function that cuts the face out.
export function showAnswer(answer, probe) {
  section.removeAttribute("aria-busy");
  message.textContent = answer.message;
  const parts = [make("dl", { class: "facts search-facts" }, factsOf(answer, probe))];
  if (answer.candidates.length) {
    const cards = answer.candidates.map((candidate) => card(candidate, answer, probe));
    parts.push(make("ol", { class: "candidates" }, cards));
  } else {
    parts.push(nobody(answer, probe.chosen));
  }
  parts.push(timings(answer));
  body.replaceChildren(...parts);
}

function fact(term, value) {
  return make("div", {}, [make("dt", { text: term }), make("dd", { text: value })]);
}

function factsOf(answer, probe) {
  const { gallery, certificate } = answer;
  const [people, sources] = [certificate?.subjects ?? gallery.subjects, certificate?.sources.length ?? gallery.sources];
  return [
    fact(probe.further.length ? "Probes, as one" : "Probe", [`${probe.name}, face ${probe.chosen}`, ...probe.further].join("; ")),
    fact("Case", answer.case),
    fact("Purpose", answer.purpose),
    fact("Searched", `${counted(people, "subject", "subjects")} in ${counted(sources, "source", "sources")}`),
    fact("Threshold", thresholdOf(answer)),
    ...(answer.approve_by ? [fact("Emergency", `A supervisor has to approve it by ${answer.approve_by.slice(0, 16).replace("T", " ")} UTC`)] : []),
    ...(answer.certificate ? [fact("Completeness", answer.certificate.words)] : []),
    ...(answer.scale?.calibration.stale ? [fact("Calibration", "The gallery has outgrown it: run countenance calibrate")] : []),
  ];
}

function thresholdOf(answer) {
  const share = answer.scale?.fpir;
  return share ? `${decimal(answer.threshold)}: at most 1 search in ${amount(1 / share)} returns a stranger` : decimal(answer.threshold);
}

function pictureOf(probe) {
  const canvas = probe.cut();
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "The probe's chosen face");
  return canvas;
}

function card(candidate, answer, probe) {
  const name = nameOf(candidate);
  const heading = `candidate-${candidate.rank}`;
  const open = make("button", { class: "tile", type: "button", "aria-label": `Open the photograph of candidate ${candidate.rank}, ${name}` }, [
    make("img", { src: crop(candidate), alt: "", width: 320, height: 320, loading: candidate.rank > 6 ? "lazy" : "eager" }),
    make("span", { class: "tile-hint", text: "Open photograph", "aria-hidden": "true" }),
  ]);
  open.addEventListener("click", () => openPhotograph(candidate, answer, probe));
  return make("li", { class: "candidate" }, [
    make("article", { "aria-labelledby": heading }, [
      make("div", { class: "faces-pair" }, [
        make("figure", {}, [make("div", { class: "tile" }, [pictureOf(probe)]), make("figcaption", { text: "Probe" })]),
        make("figure", {}, [open, make("figcaption", { text: "Candidate" })]),
      ]),
      make("div", { class: "candidate-text" }, [
        make("span", { class: "rank", title: "Rank" }, [make("span", { class: "visually-hidden", text: "Rank " }), String(candidate.rank)]),
        make("h2", { id: heading, text: name, class: candidate.subject.label === null ? "unnamed" : "" }),
        make("p", { class: "score" }, [make("span", { text: "Score " }), make("strong", { text: decimal(candidate.score) })]),
        ...meaning(candidate, answer),
        make("p", { class: "origin", text: `${candidate.source} · ${candidate.image.reference}`, title: candidate.image.reference }),
      ]),
    ]),
  ]);
}

// How many others would look this similar: in words, with its interval, and as a place among strangers' scores.
function meaning(candidate, answer) {
  const { words, known, low, high } = candidate.strangers;
  const said = make("p", { class: "strangers-words", text: `${words[0].toUpperCase()}${words.slice(1)}.` });
  const interval = known === "estimated" && high > 0
    ? [make("p", { class: "strangers-interval", text: `90 % interval: ${short(low)} to ${short(high)}` })] : [];
  if (!answer.scale) return [said, ...interval];
  return [said, ...interval, make("figure", { class: "strip-figure" }, [
    strip(answer.scale.strip, candidate.score, decimal),
    make("figcaption", { text: "Grey: what strangers score against this probe. Mark: this candidate." }),
  ])];
}

const short = (number) => (number < 0.5 ? `1 in ${amount(1 / number)}` : amount(number));
const amount = (number) => number.toLocaleString("en", { maximumSignificantDigits: 2 });

const NOBODY = {
  searched: ["Nobody reached the threshold", "That is an answer too: nobody enrolled scores high enough. Under Options you can set a lower least score; the candidates it adds are weaker."],
  "no-face": ["No face was found", "Choose another photograph, or look for small faces in this one."],
  "choose-face": ["Choose a face first", "The photograph shows several people. Choose one under the photograph, then search again."],
  "face-refused": ["This face is too poor to search", "A score would mean nothing. Choose another face, or a better photograph."],
};

function nobody(answer, chosen) {
  const [title, advice] = NOBODY[answer.outcome];
  const face = answer.probe.faces.find(({ face: number }) => number === chosen);
  const refusals = answer.outcome === "face-refused" ? (face?.refusals ?? []) : [];
  return make("div", { class: "blank" }, [
    make("h2", { text: title }),
    ...(refusals.length ? [make("ul", {}, refusals.map((reason) => make("li", { text: reason })))] : []),
    make("p", { text: advice }),
  ]);
}

function timings(answer) {
  const { total, ...stages } = answer.seconds;
  const listed = Object.entries(stages).map(([stage, seconds]) => `${stage} ${(seconds * 1000).toFixed(1)} ms`);
  const whole = total === undefined ? "" : `Answered in ${(total * 1000).toFixed(0)} ms`;
  return make("p", { class: "timings", text: [`Search ${answer.search_id}`, whole, listed.join(", ")].filter(Boolean).join(" · ") });
}

async function openPhotograph(candidate, answer, probe) {
  const image = byId("photograph-image");
  const problem = byId("photograph-problem");
  byId("photograph-heading").textContent = `${candidate.rank}. ${nameOf(candidate)}`;
  byId("photograph-original").href = original(candidate);
  byId("photograph-facts").replaceChildren(
    fact("Score", decimal(candidate.score)),
    fact("Threshold", decimal(answer.threshold)),
    fact("Source", candidate.source),
    fact("Photograph", candidate.image.reference),
  );
  byId("photograph-probe").replaceChildren(pictureOf(probe));
  problem.hidden = true;
  photographBoxes.clear();
  image.alt = `Enrolled photograph of ${nameOf(candidate)}, with a box around the face`;
  photograph.showModal();
  if (await showImage(image, original(candidate))) {
    photographBoxes.set([{ number: null, sides: candidate.box, poor: false }], {
      width: image.naturalWidth,
      height: image.naturalHeight,
      chosen: null,
    });
    return;
  }
  problem.textContent = "This browser can't show the photograph's format; here is the face. The original file can be downloaded below.";
  problem.hidden = false;
  await showImage(image, crop(candidate));
}

byId("photograph-close").addEventListener("click", () => photograph.close());
photograph.addEventListener("click", (event) => event.target === photograph && photograph.close());
