// One's own sign-in: first with a one-time code, later to see and change what counts.

import { byId, day, make, minute, showProblem } from "/static/elements.js";
import { canUsePasskeys, makePasskey } from "/static/passkeys.js";
import { request } from "/static/server.js";

const NAMES = { password: "Password", totp: "Authenticator", passkey: "Passkey", "api-key": "API key" };
const authenticator = { secret: null, picture: null };

// Does something, shows what went wrong, and shows everything anew.
async function attempt(act) {
  showProblem(byId("problem"), null);
  try {
    await act();
    await show();
  } catch (problem) {
    if (problem.needsSignIn && problem.code !== "sign-in-refused") location.reload();
    showProblem(byId("problem"), problem);
    byId("problem").scrollIntoView({ block: "center" });
  }
}

function row({ title, hint, button, path }) {
  const shown = [make("strong", { text: title }), make("span", { text: hint, class: "hint" })];
  if (button) {
    const remove = make("button", { text: button, class: "quiet", type: "button", "aria-label": `${button}: ${title}` });
    remove.addEventListener("click", () => attempt(() => request("DELETE", path)));
    shown.push(remove);
  }
  return make("li", {}, shown);
}

function credentialRow({ credential_id: id, kind, name, actions, made_at: made, expires_at: ends, used_at: used }, button) {
  const facts = [actions?.join(", "), `since ${day(made)}`, ends && `until ${day(ends)}`, used && `last used ${minute(used)}`];
  const hint = facts.filter(Boolean).join(" · ");
  return row({ title: name ?? NAMES[kind], hint, button, path: `/own/credentials/${id}` });
}

function sessionRow({ session_id: id, began_at: began, used_at: used, browser, current }) {
  const title = current ? "This browser" : "Another browser";
  const hint = `since ${minute(began)} · last used ${minute(used)} · ${browser}`;
  return row({ title, hint, button: "End", path: `/own/sessions/${id}` });
}

async function show() {
  const session = await request("GET", "/session");
  byId("first-time").hidden = session.signed_in;
  byId("yours").hidden = !session.signed_in;
  byId("sign-out").hidden = !session.signed_in;
  if (!session.signed_in) return;
  byId("who").textContent = session.login;
  const { credentials, sessions } = await request("GET", "/own/security");
  const keys = credentials.filter(({ kind }) => kind === "api-key");
  const held = credentials.filter(({ kind }) => kind !== "api-key");
  const kinds = new Set(held.map(({ kind }) => kind));
  // Whoever came with a one-time code adds, and removes nothing.
  const button = session.setting_up ? null : "Remove";
  byId("held").replaceChildren(...held.map((one) => credentialRow(one, button)));
  if (held.length === 0) byId("held").append(make("li", { text: "Nothing yet.", class: "hint" }));
  byId("keys").replaceChildren(...keys.map((one) => credentialRow(one, button)));
  byId("sessions").replaceChildren(...sessions.map(sessionRow));
  byId("setting-up").hidden = !session.setting_up;
  byId("ready").hidden = !session.setting_up || !(kinds.has("passkey") || (kinds.has("password") && kinds.has("totp")));
  byId("current-field").hidden = session.setting_up || !kinds.has("password");
  byId("passkey-panel").hidden = !canUsePasskeys();
  for (const panel of document.querySelectorAll(".full-only")) panel.hidden = session.setting_up;
}

function onSubmit(id, act) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      await act();
      byId(id).reset();
    });
  });
}

async function startAuthenticator() {
  const { secret, picture } = await request("POST", "/own/authenticator");
  if (authenticator.picture) URL.revokeObjectURL(authenticator.picture);
  authenticator.picture = URL.createObjectURL(new Blob([picture], { type: "image/svg+xml" }));
  authenticator.secret = secret;
  byId("authenticator-picture").src = authenticator.picture;
  byId("authenticator-secret").textContent = secret.match(/.{1,4}/g).join(" ");
  byId("authenticator-form").hidden = false;
}

onSubmit("passkey-form", async () => {
  const options = await request("POST", "/own/passkeys/options");
  const credential = await makePasskey(options);
  await request("POST", "/own/passkeys", { json: { name: byId("passkey-name").value, credential } });
});

onSubmit("password-form", () =>
  request("PUT", "/own/password", { json: { password: byId("password").value, current: byId("current").value } }));

onSubmit("authenticator-form", async () => {
  byId("authenticator-form").hidden = true;
  await request("PUT", "/own/authenticator", { json: { secret: authenticator.secret, code: byId("authenticator-code").value } });
});

onSubmit("key-form", async () => {
  const actions = byId("key-actions").value.split(",").map((action) => action.trim()).filter(Boolean);
  const days = Number(byId("key-days").value);
  const { key } = await request("POST", "/own/keys", { json: { name: byId("key-name").value, actions, days } });
  byId("new-key").textContent = `Copy it now, it is not shown again: ${key}`;
  byId("new-key").hidden = false;
});

byId("authenticator-start").addEventListener("click", () => attempt(startAuthenticator));
byId("ready").addEventListener("click", () => attempt(async () => {
  await request("POST", "/own/ready");
  location.assign("/");
}));
byId("sign-out").addEventListener("click", () => attempt(async () => {
  await request("DELETE", "/session");
  location.assign("/");
}));
byId("code-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const json = { login: byId("login").value.trim(), code: byId("one-time-code").value };
  try {
    await request("POST", "/session/invitation", { json });
    byId("code-form").reset();
    await show();
  } catch (problem) {
    showProblem(byId("first-time-problem"), problem);
  }
});

show();
