// The search page: a photograph, its faces, a case and a purpose, the answer.

import { byId, counted, make, showProblem } from "/static/elements.js";
import { Boxes, copyOf, cutFace, showImage } from "/static/picture.js";
import { markStale, restore, shown, showAnswer, showWaiting } from "/static/results.js";
import { Problem, request, upload } from "/static/server.js";
import { askToSignIn, start } from "/static/sign-in.js";

const CARD_SIDE = 320; // Device pixels of a face beside a candidate: as large as the server's crops.
const THUMBNAIL_SIDE = 192;
const maxImageBytes = Number(document.body.dataset.maxImageBytes);

const image = byId("probe-image");
const boxes = new Boxes(byId("probe-boxes"), { onChoose: choose });
const NO_FACE = {
  false: "Try again with small faces too, or choose a photograph that shows the face larger or straighter.",
  true: "Small ones neither. Choose a photograph that shows the face larger or straighter.",
};

const searched = { found: null, chosen: null };
const probe = { file: null, found: null, chosen: null, thorough: false, url: null, reading: null };

// Shows what went wrong where it happened; a session that ended is asked for again and nothing else changes.
function fail(place, problem) {
  if (problem.name === "AbortError") return;
  if (!(problem instanceof Problem)) throw problem;
  if (problem.needsSignIn) askToSignIn(problem);
  showProblem(place, problem);
}

async function showCounts() {
  const gallery = await request("GET", "/v1/gallery").catch(() => null);
  if (gallery === null) return;
  const { subjects, sources } = gallery;
  byId("gallery-counts").textContent = `${counted(subjects, "subject", "subjects")} in ${counted(sources, "source", "sources")}`;
}

async function take(file) {
  if (!file) return;
  if (file.size > maxImageBytes) {
    const most = `${Math.floor(maxImageBytes / 2 ** 20)} MiB`;
    const detail = `${file.name} is larger than ${most}`;
    showProblem(byId("picture-problem"), new Problem({ code: "request-too-large", detail, hint: "Choose a smaller file." }));
    return;
  }
  probe.reading?.abort();
  Object.assign(probe, { file, found: null, chosen: null, thorough: false });
  if (probe.url) URL.revokeObjectURL(probe.url);
  probe.url = URL.createObjectURL(file);
  markStale();
  boxes.clear();
  byId("faces-area").hidden = true;
  byId("picture-area").hidden = true;
  byId("drop").hidden = false;
  byId("picture-name").textContent = file.name;
  await readFaces();
}

// Finds the faces of the probe. What is on the page stays until the answer is there.
async function readFaces() {
  const { file, thorough } = probe;
  const reading = new AbortController();
  probe.reading = reading;
  showProblem(byId("picture-problem"), null);
  byId("progress").hidden = false;
  sent(0);
  try {
    const preview = showPreview(file, reading.signal);
    const fields = { photograph: file, thorough };
    const found = await upload("/v1/faces", fields, { onProgress: sent, signal: reading.signal });
    await preview;
    if (probe.reading !== reading) return;
    probe.found = found;
    showFaces();
  } catch (problem) {
    if (probe.reading === reading) fail(byId("picture-problem"), problem);
  } finally {
    if (probe.reading === reading) byId("progress").hidden = true;
  }
}

function sent(share) {
  const bar = byId("progress-bar");
  if (share < 1) bar.value = share;
  else bar.removeAttribute("value");
  byId("progress-text").textContent = share < 1 ? `Sending the photograph: ${Math.round(share * 100)} %` : "Looking for faces…";
}

// Shows the photograph; what this browser can't show (HEIC, TIFF) comes back from the server as JPEG.
async function showPreview(file, signal) {
  let can = await showImage(image, probe.url);
  if (!can) {
    const blob = await upload("/v1/previews", { photograph: file }, { signal, responseType: "blob" }).catch(() => null);
    if (blob === null || signal.aborted) return;
    URL.revokeObjectURL(probe.url);
    probe.url = URL.createObjectURL(blob);
    can = await showImage(image, probe.url);
  }
  if (!can || signal.aborted) return;
  byId("drop").hidden = true;
  byId("picture-area").hidden = false;
}

function showFaces() {
  const { faces, width, height } = probe.found;
  boxes.set(faces.map(({ face, box, passes }) => ({ number: face, sides: box, poor: !passes })), { width, height });
  byId("faces-area").hidden = false;
  byId("look-closer").hidden = probe.thorough;
  byId("faces-legend").textContent = legendOf(faces.length);
  byId("face-choices").replaceChildren(...(faces.length > 1 ? faces.map(choiceOf) : []));
  byId("face-verdict").replaceChildren(...(faces.length ? [] : [make("p", { text: NO_FACE[probe.thorough] })]));
  probe.chosen = null;
  if (faces.length === 1) choose(1);
}

function legendOf(count) {
  if (count === 0) return "No face was found.";
  return count === 1 ? "One face was found." : `${count} faces were found. Choose one.`;
}

function choiceOf({ face, box, passes }) {
  const input = make("input", { type: "radio", name: "face", value: face, class: "visually-hidden" });
  input.addEventListener("change", () => choose(face));
  const { width, height } = probe.found;
  const cut = cutFace(image, box, { width, height, side: THUMBNAIL_SIDE });
  cut.setAttribute("aria-hidden", "true");
  return make("label", { class: `choice${passes ? "" : " poor"}` }, [
    input,
    cut,
    make("span", { class: "choice-number" }, [make("span", { class: "visually-hidden", text: "Face " }), String(face), make("span", { text: passes ? "" : " poor" })]),
  ]);
}

function choose(number) {
  if (searched.found && (searched.found !== probe.found || searched.chosen !== number)) markStale();
  probe.chosen = number;
  boxes.choose(number);
  const input = document.querySelector(`input[name="face"][value="${number}"]`);
  if (input) input.checked = true;
  showProblem(byId("ask-problem"), null);
  const { passes, refusals, warnings } = probe.found.faces.find(({ face }) => face === number);
  const reasons = passes ? warnings : refusals;
  const [kind, text] = passes
    ? warnings.length ? ["weak", `Face ${number} can be searched, but its scores mean less:`] : ["good", `Face ${number} is good enough to search.`]
    : ["poor", `Face ${number} is too poor to search:`];
  byId("face-verdict").replaceChildren(
    make("p", { class: `verdict-line ${kind}`, text }),
    ...(reasons.length ? [make("ul", {}, reasons.map((reason) => make("li", { text: reason })))] : []),
  );
}

// Says what still has to be filled in, and goes there; null when nothing is missing.
function missing() {
  if (!probe.found) return ["Choose a photograph first.", byId("file")];
  if (!probe.found.faces.length) return ["No face was found in this photograph. Choose another.", byId("change")];
  if (probe.chosen === null) return ["Choose a face first: click it, or use the arrow keys.", document.querySelector('input[name="face"]')];
  for (const [id, text] of [["case", "Give the case reference."], ["purpose", "Say what this search is for."]]) {
    if (!byId(id).value.trim()) return [text, byId(id)];
  }
  for (const id of ["limit", "threshold"]) {
    if (!byId(id).checkValidity()) return [`${byId(id).labels[0].textContent}: ${byId(id).validationMessage}`, byId(id)];
  }
  return null;
}

async function search(event) {
  event.preventDefault();
  for (const id of ["case", "purpose", "limit", "threshold"]) byId(id).removeAttribute("aria-invalid");
  showProblem(byId("ask-problem"), null);
  const lack = missing();
  if (lack) {
    const [detail, field] = lack;
    showProblem(byId("ask-problem"), new Problem({ code: "incomplete", detail }));
    if (field.type !== "radio" && field.type !== "file") field.setAttribute("aria-invalid", "true");
    byId("search").closest("section").querySelector("details").open ||= ["limit", "threshold"].includes(field.id);
    field.focus();
    return;
  }
  const before = shown();
  const { file, found, chosen, thorough } = probe;
  const face = found.faces.find(({ face: number }) => number === chosen);
  // Cut now: the photograph on the left may be another one by the time that an answer is looked at.
  const master = cutFace(image, face.box, { width: found.width, height: found.height, side: CARD_SIDE });
  byId("search").setAttribute("aria-disabled", "true");
  showWaiting();
  try {
    const fields = { photograph: file, face: chosen, thorough };
    for (const id of ["case", "purpose", "limit", "threshold", "fpir"]) fields[id] = byId(id).value.trim();
    const answer = await upload("/v1/searches", fields);
    showAnswer(answer, { name: file.name, chosen, cut: () => copyOf(master) });
    Object.assign(searched, { found, chosen });
    if (probe.found !== found || probe.chosen !== chosen) markStale();
    byId("results").focus({ preventScroll: true });
    byId("results").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  } catch (problem) {
    restore(before.nodes, before.text);
    fail(byId("ask-problem"), problem);
  } finally {
    byId("search").removeAttribute("aria-disabled");
  }
}

function listen() {
  const drop = byId("drop");
  byId("file").addEventListener("change", (event) => {
    take(event.target.files[0]);
    event.target.value = "";
  });
  byId("change").addEventListener("click", () => byId("file").click());
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => take(event.clipboardData?.files[0]));
  byId("look-closer").addEventListener("click", () => {
    probe.thorough = true;
    readFaces();
  });
  byId("ask").addEventListener("submit", (event) => byId("search").getAttribute("aria-disabled") ? event.preventDefault() : search(event));
}

listen();
await start(showCounts);
