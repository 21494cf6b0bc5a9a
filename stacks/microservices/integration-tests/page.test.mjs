import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { get, newVisitor, PAGE, post } from "./client.mjs";

const base = PAGE;

describe("the page", () => {
  it("is served on every route of the app", async () => {
    for (const path of ["/", "/login", "/profile"]) {
      const { status, text } = await get(path, { base });
      assert.equal(status, 200, path);
      assert.match(text, /<div id="root">/);
    }
  });

  it("comes with its program, compiled from JSX", async () => {
    const { status, headers, text } = await get("/src/App.jsx", { base });
    assert.equal(status, 200, text);
    assert.match(headers.get("content-type"), /javascript/);
    assert.ok(!text.includes("<main"), "JSX was not compiled");
  });

  it("reaches the API through its own address", async () => {
    const visitor = newVisitor();
    const registered = await post("/api/v1/auth/register", visitor, { base });
    assert.equal(registered.status, 201, registered.text);
    const me = await get("/api/v1/users/me", { base, token: registered.json.token });
    assert.equal(me.json.user.email, visitor.email);
  });
});
