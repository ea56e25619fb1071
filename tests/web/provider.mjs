// An OpenID provider on loopback. Usage: node provider.mjs REDIRECT_URI; prints its issuer once it listens.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [redirectUri] = process.argv.slice(2);
const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: "daypass",
    client_secret: "a secret/with:marks that have to be escaped",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code"],
    response_types: ["code"],
  }],
  cookies: { keys: ["for this run alone"] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  interactions: { url: (_context, interaction) => `/ask/${interaction.uid}` },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, email: "owner@first.example" }) }),
  async loadExistingGrant(context) {
    const grant = new provider.Grant({
      accountId: context.oidc.session.accountId,
      clientId: context.oidc.client.clientId,
    });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
});

const page = `<!doctype html><title>Example company</title><form method="post">
<label>User <input name="user" id="user"></label><button name="go" value="in">Sign in</button>
<button name="go" value="no">Refuse</button></form>`;

async function fieldsOf(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

const answer = provider.callback();
server.on("request", async (request, response) => {
  if (!request.url.startsWith("/ask/")) return answer(request, response);
  if (request.method !== "POST") return response.setHeader("content-type", "text/html").end(page);
  const fields = await fieldsOf(request);
  const result = fields.get("go") === "no"
    ? { error: "access_denied", error_description: "<b>not today</b>" }
    : { login: { accountId: fields.get("user") } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
});
console.log(issuer);
