"use strict";
// What forms cannot do: passkeys, live updates, a countdown, and the reader's time zone. Everything else works without.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function readable(options) {
  const made = { ...options, challenge: bytes(options.challenge) };
  if (options.user) made.user = { ...options.user, id: bytes(options.user.id) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) made[list] = options[list].map((one) => ({ ...one, id: bytes(one.id) }));
  }
  return made;
}

function answer(credential) {
  const given = credential.response;
  const response = { clientDataJSON: text(given.clientDataJSON) };
  if (given.attestationObject) response.attestationObject = text(given.attestationObject);
  if (given.authenticatorData) {
    response.authenticatorData = text(given.authenticatorData);
    response.signature = text(given.signature);
    if (given.userHandle) response.userHandle = text(given.userHandle);
  }
  return JSON.stringify({
    id: credential.id, rawId: text(credential.rawId), type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(), response,
  });
}

function passkeyForm(form) {
  let busy = false;
  const failed = form.querySelector("[data-failed]");
  const run = async (button) => {
    if (busy) return;
    busy = true;
    if (failed) failed.hidden = true;
    const chosen = button && button.dataset.options ? button : form;
    try {
      const publicKey = readable(JSON.parse(chosen.dataset.options));
      const creating = form.dataset.passkey === "create";
      const credential = await navigator.credentials[creating ? "create" : "get"]({ publicKey });
      form.elements.response.value = answer(credential);
      if (button && button.dataset.challenge) form.elements.challenge.value = button.dataset.challenge;
      if (button && button.name) form.elements.act.value = button.value;
      form.submit();
    } catch (_) {
      if (failed) { failed.hidden = false; failed.focus?.(); }
      busy = false;
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(event.submitter);
  });
  // A passkey is asked for at once only where nothing is decided by it but who is there.
  if (form.hasAttribute("data-at-once") && document.hasFocus()) run(null);
}

// What gives authority away cannot be clicked before the page has been in view for a moment: a window that was
// slipped in front at the last instant takes no click for it.
function calmButtons() {
  const buttons = document.querySelectorAll("[data-calm]");
  if (!buttons.length) return;
  let timer = 0;
  const wait = () => {
    clearTimeout(timer);
    buttons.forEach((button) => { button.disabled = true; });
    if (document.visibilityState === "visible") {
      timer = setTimeout(() => buttons.forEach((button) => { button.disabled = false; }), 800);
    }
  };
  document.addEventListener("visibilitychange", wait);
  window.addEventListener("focus", wait);
  window.addEventListener("pageshow", wait);
  wait();
}

function countdowns() {
  const clocks = document.querySelectorAll("[data-until]");
  if (!clocks.length) return;
  // The server's clock counts, not this machine's.
  const ahead = Date.parse(clocks[0].dataset.now) - Date.now();
  const tick = () => clocks.forEach((clock) => {
    const left = Math.max(0, Math.floor((Date.parse(clock.dataset.until) - Date.now() - ahead) / 1000));
    const two = (n) => String(n).padStart(2, "0");
    clock.textContent = `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
    clock.closest("[data-row]")?.classList.toggle("soon", left < 300);
  });
  tick();
  setInterval(tick, 1000);
}

function liveUpdates() {
  const mode = document.body.dataset.live;
  if (!mode || !window.EventSource) return;
  const stream = new EventSource("/events");
  const changed = document.querySelector("[data-changed]");
  stream.addEventListener("changed", () => {
    const typing = document.activeElement && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (mode === "reload" && !typing) location.reload();
    else if (changed) changed.hidden = false;
  });
  stream.addEventListener("ended", () => { stream.close(); if (mode === "reload") location.reload(); });
  window.addEventListener("pagehide", () => stream.close());
}

function zone() {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:";
  const name = secure ? "__Host-daypass-zone" : "daypass-zone";
  if (!here || document.body.dataset.zone === here || document.cookie.includes(name + "=" + encodeURIComponent(here))) return;
  document.cookie = `${name}=${encodeURIComponent(here)}; Path=/; SameSite=Lax; Max-Age=31536000${secure ? "; Secure" : ""}`;
}

zone();
document.querySelectorAll("form[data-passkey]").forEach(passkeyForm);
document.querySelectorAll("[data-needs-script]").forEach((button) => { button.disabled = false; });
document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});
calmButtons();
countdowns();
liveUpdates();
