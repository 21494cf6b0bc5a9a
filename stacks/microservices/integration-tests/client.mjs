// A small HTTP client for the tests, and visitors that nobody has met before.
import { randomUUID } from "node:crypto";

const TIMEOUT_MS = 10_000;

export const API = required("API_URL");
export const PAGE = required("FRONTEND_URL");

export const newVisitor = () => ({ email: `${randomUUID()}@example.com`, password: randomUUID() });

export async function call(method, path, { base = API, body, raw, token, headers = {} } = {}) {
  const response = await fetch(new URL(path, base), {
    method,
    headers: {
      ...(body !== undefined || raw !== undefined ? { "content-type": "application/json" } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...headers,
    },
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

export const post = (path, body, options) => call("POST", path, { body, ...options });
export const get = (path, options) => call("GET", path, options);

export async function registerVisitor() {
  const visitor = newVisitor();
  const { json } = await post("/api/v1/auth/register", visitor);
  return { ...visitor, ...json };
}

function required(name) {
  if (!process.env[name]) throw new Error(`${name} is not set`);
  return process.env[name];
}
