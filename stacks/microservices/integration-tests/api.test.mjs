import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { call, get, newVisitor, post, registerVisitor } from "./client.mjs";

const REGISTER = "/api/v1/auth/register";
const LOGIN = "/api/v1/auth/login";
const ME = "/api/v1/users/me";

function refused(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.error.code, code);
}

describe("health", () => {
  it("looks at the database too", async () => {
    const { status, json } = await get("/health");
    assert.equal(status, 200);
    assert.deepEqual(json, { status: "healthy", database: "up", apiVersion: "v1" });
  });

  it("carries security headers and does not name its framework", async () => {
    const { headers } = await get("/health");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-powered-by"), null);
  });
});

describe("register", () => {
  it("answers 201 with the user and a token that works", async () => {
    const visitor = newVisitor();
    const { status, json } = await post(REGISTER, visitor);
    assert.equal(status, 201);
    assert.equal(json.user.email, visitor.email);
    assert.equal((await get(ME, { token: json.token })).status, 200);
  });

  it("never sends the password or its hash back", async () => {
    const visitor = newVisitor();
    const { text } = await post(REGISTER, visitor);
    assert.ok(!text.includes(visitor.password));
    assert.ok(!/password|\$2[aby]\$/.test(text), text);
  });

  it("answers 409 for an address that is taken, in any spelling", async () => {
    const { email } = await registerVisitor();
    refused(await post(REGISTER, { email, password: "another password" }), 409, "email_taken");
    refused(await post(REGISTER, { email: email.toUpperCase(), password: "another password" }), 409, "email_taken");
  });

  it("lets exactly one of several simultaneous registrations win", async () => {
    const visitor = newVisitor();
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(REGISTER, visitor)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409, 409]);
  });

  const good = "a good password";
  const BAD_INPUT = [
    ["no e-mail", { password: good }, "email"],
    ["an e-mail without a domain", { email: "someone@", password: good }, "email"],
    ["an e-mail that is an object", { email: { $gt: "" }, password: good }, "email"],
    ["no password", { email: "someone@example.com" }, "password"],
    ["a password of 7 characters", { email: "someone@example.com", password: "1234567" }, "password"],
    ["a password of 73 bytes", { email: "someone@example.com", password: "x".repeat(73) }, "password"],
  ];
  for (const [what, body, field] of BAD_INPUT) {
    it(`answers 400 for ${what} and names the field`, async () => {
      const answer = await post(REGISTER, body);
      refused(answer, 400, "invalid_input");
      assert.deepEqual(Object.keys(answer.json.error.details), [field]);
    });
  }

  it("answers 400 for a body that is no JSON", async () => {
    refused(await call("POST", REGISTER, { raw: '{"email": ' }), 400, "invalid_json");
  });

  it("answers 400 for no body at all", async () => {
    refused(await call("POST", REGISTER), 400, "invalid_input");
  });

  it("answers 413 for a body that is too large", async () => {
    refused(await post(REGISTER, { email: "x".repeat(20_000) }), 413, "too_large");
  });
});

describe("log in", () => {
  it("answers 200 with a token, whatever the spelling of the address", async () => {
    const { email, password } = await registerVisitor();
    const { status, json } = await post(LOGIN, { email: ` ${email.toUpperCase()} `, password });
    assert.equal(status, 200);
    assert.equal(json.user.email, email);
    assert.equal((await get(ME, { token: json.token })).status, 200);
  });

  it("answers a wrong password and an unknown address with the same 401", async () => {
    const { email } = await registerVisitor();
    const wrong = await post(LOGIN, { email, password: "not the password" });
    const unknown = await post(LOGIN, { ...newVisitor() });
    refused(wrong, 401, "wrong_credentials");
    assert.equal(unknown.status, 401);
    assert.equal(unknown.text, wrong.text);
  });

  it("takes SQL in a field for plain text", async () => {
    const { email } = await registerVisitor();
    refused(await post(LOGIN, { email, password: "' OR '1'='1" }), 401, "wrong_credentials");
  });

  it("answers 400 where a field is missing", async () => {
    refused(await post(LOGIN, { email: "someone@example.com" }), 400, "invalid_input");
  });
});

describe("me", () => {
  it("answers with the profile", async () => {
    const { email, token, user } = await registerVisitor();
    const { status, json } = await get(ME, { token });
    assert.equal(status, 200);
    assert.deepEqual(json.user, user);
    assert.equal(json.user.email, email);
    assert.ok(Math.abs(Date.now() - Date.parse(json.user.createdAt)) < 60_000);
  });

  it("answers 401 without a token", async () => {
    const answer = await get(ME);
    refused(answer, 401, "unauthenticated");
    assert.equal(answer.headers.get("www-authenticate"), "Bearer");
  });

  it("answers 401 for another kind of credentials", async () => {
    refused(await get(ME, { headers: { authorization: "Basic c29tZTpvbmU=" } }), 401, "unauthenticated");
  });

  it("answers 403 for a token whose signature was changed", async () => {
    const { token } = await registerVisitor();
    const [header, payload, signature] = token.split(".");
    const changed = [header, payload, signature.split("").reverse().join("")].join(".");
    refused(await get(ME, { token: changed }), 403, "token_invalid");
  });

  it("answers 403 for a token that asks not to be checked", async () => {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = `${encode({ alg: "none", typ: "JWT" })}.${encode({ sub: "1" })}.`;
    refused(await get(ME, { token: unsigned }), 403, "token_invalid");
  });
});

describe("everything else", () => {
  it("answers 404 as JSON for an unknown path", async () => {
    refused(await get("/api/v1/nothing"), 404, "not_found");
  });

  it("lets the page's own origin in, and no other", async () => {
    const allowed = async (origin) =>
      (await get("/health", { headers: { origin } })).headers.get("access-control-allow-origin");
    assert.equal(await allowed("http://127.0.0.1:5173"), "http://127.0.0.1:5173");
    assert.equal(await allowed("http://elsewhere.example"), null);
  });
});
