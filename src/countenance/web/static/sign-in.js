// Signing in: the token goes to the server once; afterwards a cookie that no script can read stands for it.

import { byId, showProblem } from "/static/elements.js";
import { request } from "/static/server.js";

const dialog = byId("sign-in");
let signedIn = () => {};

async function signIn(token) {
  await request("POST", "/session", { json: { token } });
  dialog.close();
  byId("token").value = "";
  showProblem(byId("sign-in-problem"), null);
  byId("sign-out").hidden = false;
  signedIn();
}

export function askToSignIn(problem = null) {
  showProblem(byId("sign-in-problem"), problem);
  if (!dialog.open) dialog.showModal();
}

// Takes a token from the address's fragment (which no request carries) and wipes it from the address bar.
function tokenOfAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) history.replaceState(null, "", location.pathname);
  return token;
}

export async function start(onSignedIn) {
  signedIn = onSignedIn;
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => byId("sign-out").hidden && dialog.showModal());
  byId("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const token = byId("token").value.trim();
    if (token) await signIn(token).catch(askToSignIn);
  });
  byId("sign-out").addEventListener("click", async () => {
    await request("DELETE", "/session").catch(() => {});
    location.reload();
  });
  try {
    const token = tokenOfAddress();
    if (token !== null) return await signIn(token);
    const { signed_in: already } = await request("GET", "/session");
    byId("sign-out").hidden = !already;
    return already ? signedIn() : askToSignIn();
  } catch (problem) {
    return askToSignIn(problem);
  }
}
