// The search page: a photograph, its faces, a case and a purpose, the answer.

import { offerApprovals } from "/static/approvals.js";
import { offer, showReasons } from "/static/asking.js";
import { byId, counted, make, showProblem } from "/static/elements.js";
import { Photographs } from "/static/photographs.js";
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

const photographs = new Photographs({ onLook: look, onChange: markStale });
let thorough = false;
let searched = [];
const isSearched = () => photographs.chosen.every((one, at) => one === searched[at]) && photographs.chosen.length === searched.length;

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

// Whether a file may be sent; says so where it is too large.
function fits(file) {
  if (file.size <= maxImageBytes) return true;
  const most = `${Math.floor(maxImageBytes / 2 ** 20)} MiB`;
  const detail = `${file.name} is larger than ${most}`;
  showProblem(byId("picture-problem"), new Problem({ code: "request-too-large", detail, hint: "Choose a smaller file." }));
  return false;
}

// Puts another file in the place of the photograph that is looked at.
async function take(file) {
  if (!file || !fits(file)) return;
  const probe = photographs.current;
  probe.reading?.abort();
  if (probe.url) URL.revokeObjectURL(probe.url);
  Object.assign(probe, { file, found: null, chosen: null, cut: null, url: URL.createObjectURL(file) });
  if (photographs.all.length === 1) thorough = false;
  markStale();
  await readFaces(probe);
}

// Takes dropped or pasted files: the first in the place of the photograph that is looked at, the others besides.
async function takeAll(files) {
  if (!files?.length) return;
  const [first, ...others] = files;
  await take(first);
  if (photographs.current.file === first) await takeFurther(others);
}

// Adds photographs of the same person, one after the other: each is looked at as its faces are found.
async function takeFurther(files) {
  for (const file of [...files].slice(0, photographs.room)) {
    if (!fits(file)) return;
    photographs.add();
    await take(file);
  }
}

// Shows a photograph that is among those to search with, as far as it has been read.
async function look(probe) {
  showProblem(byId("picture-problem"), probe.problem);
  byId("progress").hidden = probe.reading === null;
  byId("faces-area").hidden = true;
  byId("picture-area").hidden = true;
  byId("drop").hidden = false;
  byId("picture-name").textContent = probe.file.name;
  boxes.clear();
  if (!probe.found) return;
  await showPreview(probe, new AbortController().signal);
  if (probe === photographs.current) showFaces(probe);
}

// Finds the faces of a photograph. What is on the page stays until the answer is there.
async function readFaces(probe) {
  const reading = new AbortController();
  Object.assign(probe, { reading, found: null, chosen: null, cut: null, problem: null });
  photographs.look(probe);
  sent(0);
  try {
    const preview = showPreview(probe, reading.signal);
    const fields = { photograph: probe.file, thorough };
    const found = await upload("/v1/faces", fields, { onProgress: sent, signal: reading.signal });
    await preview;
    if (probe.reading !== reading) return;
    probe.found = found;
    if (probe === photographs.current) showFaces(probe);
  } catch (problem) {
    if (probe.reading !== reading || problem.name === "AbortError") return;
    probe.problem = problem;
    if (probe === photographs.current) fail(byId("picture-problem"), problem);
  } finally {
    if (probe.reading === reading) {
      probe.reading = null;
      byId("progress").hidden = photographs.current.reading === null;
    }
    photographs.draw();
  }
}

function sent(share) {
  const bar = byId("progress-bar");
  if (share < 1) bar.value = share;
  else bar.removeAttribute("value");
  byId("progress-text").textContent = share < 1 ? `Sending the photograph: ${Math.round(share * 100)} %` : "Looking for faces…";
}

// Shows the photograph; what this browser can't show (HEIC, TIFF) comes back from the server as JPEG.
async function showPreview(probe, signal) {
  let can = await showImage(image, probe.url);
  if (signal.aborted || probe !== photographs.current) return;
  if (!can) {
    const blob = await upload("/v1/previews", { photograph: probe.file }, { signal, responseType: "blob" }).catch(() => null);
    if (blob === null || signal.aborted) return;
    URL.revokeObjectURL(probe.url);
    probe.url = URL.createObjectURL(blob);
    can = await showImage(image, probe.url);
  }
  if (!can || signal.aborted || probe !== photographs.current) return;
  byId("drop").hidden = true;
  byId("picture-area").hidden = false;
}

function showFaces(probe) {
  const { faces, width, height } = probe.found;
  boxes.set(faces.map(({ face, box, passes }) => ({ number: face, sides: box, poor: !passes })), { width, height });
  byId("faces-area").hidden = false;
  byId("look-closer").hidden = thorough;
  byId("faces-legend").textContent = legendOf(faces.length);
  byId("face-choices").replaceChildren(...(faces.length > 1 ? faces.map((face) => choiceOf(face, probe.found)) : []));
  byId("face-verdict").replaceChildren(...(faces.length ? [] : [make("p", { text: NO_FACE[thorough] })]));
  const number = probe.chosen ?? (faces.length === 1 ? 1 : null);
  if (number !== null) choose(number);
}

function legendOf(count) {
  if (count === 0) return "No face was found.";
  return count === 1 ? "One face was found." : `${count} faces were found. Choose one.`;
}

function choiceOf({ face, box, passes }, { width, height }) {
  const input = make("input", { type: "radio", name: "face", value: face, class: "visually-hidden" });
  input.addEventListener("change", () => choose(face));
  const cut = cutFace(image, box, { width, height, side: THUMBNAIL_SIDE });
  cut.setAttribute("aria-hidden", "true");
  return make("label", { class: `choice${passes ? "" : " poor"}` }, [
    input,
    cut,
    make("span", { class: "choice-number" }, [make("span", { class: "visually-hidden", text: "Face " }), String(face), make("span", { text: passes ? "" : " poor" })]),
  ]);
}

function choose(number) {
  const probe = photographs.current;
  const { width, height, faces } = probe.found;
  const { box, passes, refusals, warnings } = faces.find(({ face }) => face === number);
  probe.chosen = number;
  // Cut now: another photograph may be looked at by the time that it is searched with.
  probe.cut = cutFace(image, box, { width, height, side: CARD_SIDE });
  if (!isSearched()) markStale();
  photographs.draw();
  boxes.choose(number);
  const input = document.querySelector(`input[name="face"][value="${number}"]`);
  if (input) input.checked = true;
  showProblem(byId("ask-problem"), null);
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
  const lacking = photographs.all.find(({ chosen }) => chosen === null);
  if (lacking && lacking !== photographs.current) {
    photographs.look(lacking);
    return [`Choose a face in ${lacking.file.name} first, or leave it out.`, byId("further-file")];
  }
  if (lacking && !lacking.found) return ["Choose a photograph first.", byId("file")];
  if (lacking && !lacking.found.faces.length) return ["No face was found in this photograph. Choose another.", byId("change")];
  if (lacking) return ["Choose a face first: click it, or use the arrow keys.", document.querySelector('input[name="face"]')];
  for (const [id, text] of [["case", "Give the case reference."], ["purpose", "Say what this search is for."], ["offence", "Say which offence is investigated."]]) {
    if (byId(id).required && !byId(id).value.trim()) return [text, byId(id)];
  }
  for (const id of ["limit", "threshold"]) {
    if (!byId(id).checkValidity()) return [`${byId(id).labels[0].textContent}: ${byId(id).validationMessage}`, byId(id)];
  }
  return null;
}

async function search(event) {
  event.preventDefault();
  for (const id of ["case", "purpose", "offence", "limit", "threshold"]) byId(id).removeAttribute("aria-invalid");
  showProblem(byId("ask-problem"), null);
  showReasons(null);
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
  const [first, ...further] = photographs.all;
  const { chosen } = photographs;
  const master = first.cut;
  const named = further.map(({ file, chosen: face }) => `${file.name}, face ${face}`);
  const probe = { name: first.file.name, chosen: first.chosen, further: named, cut: () => copyOf(master) };
  byId("search").setAttribute("aria-disabled", "true");
  showWaiting();
  try {
    const fields = { photograph: first.file, face: first.chosen, thorough };
    fields.further = further.map(({ file }) => file);
    fields.further_face = further.map(({ chosen: face }) => face);
    for (const id of ["case", "purpose", "offence", "kind", "limit", "threshold", "fpir"]) fields[id] = byId(id).value.trim();
    fields.emergency = byId("emergency").checked;
    const answer = await upload("/v1/searches", fields);
    showAnswer(answer, probe);
    searched = chosen;
    if (!isSearched()) markStale();
    byId("results").focus({ preventScroll: true });
    byId("results").scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  } catch (problem) {
    restore(before.nodes, before.text);
    fail(byId("ask-problem"), problem);
    showReasons(problem);
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
  byId("further-file").addEventListener("change", (event) => {
    takeFurther(event.target.files);
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
    takeAll(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => takeAll(event.clipboardData?.files));
  byId("look-closer").addEventListener("click", async () => {
    thorough = true;
    // Faces are numbered anew in each photograph, so all are looked at again.
    const { current } = photographs;
    for (const probe of photographs.all.filter((one) => one !== current)) await readFaces(probe);
    await readFaces(current);
  });
  byId("ask").addEventListener("submit", (event) => byId("search").getAttribute("aria-disabled") ? event.preventDefault() : search(event));
}

listen();
await start((roles) => Promise.all([showCounts(), offer(roles), offerApprovals(roles)]));
