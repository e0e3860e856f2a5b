// What may be searched for: the purposes and offences of the law packs in force, and the organisation's open cases.

import { byId, make, showProblem } from "/static/elements.js";
import { request, upload } from "/static/server.js";

const known = { purposes: new Map(), cases: new Set() };

const option = ({ code, says }) => make("option", { value: code, text: says.charAt(0).toUpperCase() + says.slice(1) });
const reference = () => byId("case").value.trim();

function showCases(cases) {
  const open = cases.filter(({ state }) => state === "open").map((one) => one.reference);
  known.cases = new Set(open.map((one) => one.toLowerCase()));
  byId("cases").replaceChildren(...open.map((value) => make("option", { value })));
  showNewCase();
}

// Offers to open a case that is not there yet.
function showNewCase() {
  byId("open-case").hidden = !reference() || known.cases.has(reference().toLowerCase());
}

// An offence is asked for where the purpose needs one, and a supervisor is named where it is sensitive.
function showNeeds() {
  const purpose = known.purposes.get(byId("purpose").value);
  byId("offence").required = Boolean(purpose?.offence);
  byId("offence-field").hidden = !purpose?.offence;
  if (!purpose?.offence) byId("offence").value = "";
  byId("purpose-hint").hidden = !purpose?.sensitive;
}

async function openCase() {
  showProblem(byId("ask-problem"), null);
  try {
    await upload("/v1/cases", { reference: reference() });
    showCases((await request("GET", "/v1/cases")).cases);
  } catch (problem) {
    showProblem(byId("ask-problem"), problem);
  }
}

// Fills a list; what was chosen from it stays chosen, as when somebody had to sign in again.
function fill(select, text, entries) {
  const chosen = select.value;
  select.replaceChildren(make("option", { value: "", text }), ...entries.map(option));
  if (entries.some(({ code }) => code === chosen)) select.value = chosen;
}

// Fetches the lists. Only examiners and supervisors may see cases; for others the list stays empty.
export async function offer(roles) {
  const mayAsk = roles.some((role) => role === "examiner" || role === "supervisor");
  const [lists, { cases }] = await Promise.all([
    request("GET", "/v1/policy").catch(() => ({ purposes: [], offences: [] })),
    mayAsk ? request("GET", "/v1/cases").catch(() => ({ cases: [] })) : { cases: [] },
  ]);
  known.purposes = new Map(lists.purposes.map((one) => [one.code, one]));
  fill(byId("purpose"), "Choose a purpose", lists.purposes);
  fill(byId("offence"), "Choose the offence", lists.offences);
  showCases(cases);
  showNeeds();
}

// Shows several reasons why something was refused: each rule's words, where it comes from, and what would be needed.
export function showReasons(problem) {
  const item = ({ says, rule, cites, needs }) => make("li", {}, [
    make("strong", { text: says }),
    make("span", { class: "hint", text: `${rule} · ${cites}` }),
    make("span", { text: `Needed: ${needs}` }),
  ]);
  const reasons = problem?.reasons?.length > 1 ? problem.reasons : [];
  byId("reasons").replaceChildren(...reasons.map(item));
  byId("reasons").hidden = reasons.length === 0;
}

byId("case").addEventListener("input", showNewCase);
byId("open-case").addEventListener("click", openCase);
byId("purpose").addEventListener("change", showNeeds);
