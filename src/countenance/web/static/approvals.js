// What waits for a supervisor: each search with its case and purpose, approved or refused with a reason.

import { byId, make, minute, showProblem, words } from "/static/elements.js";
import { usePasskey } from "/static/passkeys.js";
import { request } from "/static/server.js";

// Whoever has a passkey signs the hash of exactly this search with it.
async function decide({ approval_id: id }, grant) {
  showProblem(byId("approvals-problem"), null);
  if (!byId("approvals-form").reportValidity()) return;
  try {
    const json = { grant, reason: byId("approvals-reason").value };
    if (grant) {
      const { options } = await request("POST", `/v1/approvals/${id}/options`);
      if (options !== null) json.signature = await usePasskey(options);
    }
    await request("POST", `/v1/approvals/${id}/decision`, { json });
    byId("approvals-form").reset();
  } catch (problem) {
    showProblem(byId("approvals-problem"), problem);
  }
  await showApprovals();
}

function button(text, one, grant) {
  const made = make("button", { text, class: "quiet", type: "button" });
  made.addEventListener("click", () => decide(one, grant));
  return made;
}

function row(one) {
  const due = one.emergency ? ` · made already, to be approved by ${minute(one.due_at)}` : "";
  const hint = `${words(one.kind)} · asked ${minute(one.asked_at)}${due}`;
  return make("li", {}, [
    make("strong", { text: `${one.case}: ${words(one.purpose)}${one.offence ? `, ${words(one.offence)}` : ""}` }),
    make("span", { class: "hint", text: hint }),
    make("span", { class: "hint", text: `Request ${one.request.slice(0, 16)}…` }),
    make("span", {}, [button("Approve", one, true), button("Refuse", one, false)]),
  ]);
}

async function showApprovals() {
  const { approvals } = await request("GET", "/v1/approvals").catch(() => ({ approvals: [] }));
  const waiting = approvals.filter(({ state }) => state === "waiting");
  byId("approvals-list").replaceChildren(...waiting.map(row));
  byId("approvals").hidden = waiting.length === 0 && byId("approvals-problem").hidden;
}

// Shows supervisors what waits for them; nobody else is asked.
export async function offerApprovals(roles) {
  if (roles.includes("supervisor")) await showApprovals();
}

byId("approvals-form").addEventListener("submit", (event) => event.preventDefault());
