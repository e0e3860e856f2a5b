// Signing in: afterwards a cookie that no script can read stands for whoever it is.

import { byId, showProblem } from "/static/elements.js";
import { canUsePasskeys, usePasskey } from "/static/passkeys.js";
import { request } from "/static/server.js";

const dialog = byId("sign-in");
let signedIn = () => {};

async function show({ login, roles, setting_up: settingUp }) {
  if (settingUp) return location.assign("/own");
  byId("own").textContent = login;
  byId("own").hidden = false;
  byId("rights").hidden = !roles.includes("custodian");
  byId("organisations").hidden = !roles.includes("operator");
  byId("audit").hidden = !roles.includes("auditor");
  byId("sign-out").hidden = false;
  return signedIn(roles);
}

async function enter(send) {
  try {
    await send();
  } catch (problem) {
    return askToSignIn(problem);
  }
  for (const name of ["password", "code"]) byId(name).value = "";
  showProblem(byId("sign-in-problem"), null);
  byId("sign-out").hidden = false;
  dialog.close();
  return show(await request("GET", "/session"));
}

function byPassword() {
  const [login, password, code] = ["login", "password", "code"].map((name) => byId(name).value);
  return request("POST", "/session", { json: { login: login.trim(), password, code } });
}

async function byPasskey() {
  const options = await request("POST", "/session/passkey/options");
  return request("POST", "/session/passkey", { json: { credential: await usePasskey(options) } });
}

async function byProvider() {
  try {
    location.assign((await request("POST", "/session/provider")).address);
  } catch (problem) {
    askToSignIn(problem);
  }
}

async function offerProvider() {
  const { name } = await request("GET", "/session/provider");
  const button = byId("sign-in-provider");
  button.hidden = !name;
  button.textContent = `Sign in with ${name}`;
  button.addEventListener("click", byProvider);
}

export function askToSignIn(problem = null) {
  showProblem(byId("sign-in-problem"), problem);
  if (!dialog.open) dialog.showModal();
}

export async function start(onSignedIn) {
  signedIn = onSignedIn;
  byId("sign-in-passkey").hidden = !canUsePasskeys();
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => byId("sign-out").hidden && dialog.showModal());
  byId("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    enter(byPassword);
  });
  byId("sign-in-passkey").addEventListener("click", () => enter(byPasskey));
  byId("sign-out").addEventListener("click", async () => {
    await request("DELETE", "/session").catch(() => {});
    location.reload();
  });
  try {
    const session = await request("GET", "/session");
    if (!session.signed_in) await offerProvider();
    return session.signed_in ? await show(session) : askToSignIn();
  } catch (problem) {
    return askToSignIn(problem);
  }
}
