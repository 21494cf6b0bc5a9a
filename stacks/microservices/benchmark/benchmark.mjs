// Puts the API under load for a few seconds and prints what it did. Any failed request fails the run.
import { randomUUID } from "node:crypto";

import autocannon from "autocannon";

const api = process.env.API_URL;
const seconds = Number(process.env.SECONDS ?? 5);

const visitor = { email: `${randomUUID()}@example.com`, password: randomUUID() };
const token = await register();

const json = { "content-type": "application/json" };
const LOADS = [
  { name: "GET /health", path: "/health", connections: 10 },
  { name: "GET /users/me", path: "/api/v1/users/me", connections: 10, headers: { authorization: `Bearer ${token}` } },
  // Each login hashes a password, which costs tens of milliseconds of processor time on purpose.
  {
    name: "POST /auth/login",
    path: "/api/v1/auth/login",
    connections: 4,
    method: "POST",
    headers: json,
    body: JSON.stringify(visitor),
  },
];

const rows = [];
for (const load of LOADS) rows.push(await run(load));
print(rows);
process.exitCode = rows.some(({ errors, requests }) => errors > 0 || requests === 0) ? 1 : 0;

async function register() {
  const response = await fetch(`${api}/api/v1/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(visitor),
  });
  if (response.status !== 201) throw new Error(`cannot register: ${response.status} ${await response.text()}`);
  return (await response.json()).token;
}

async function run({ name, path, connections, ...request }) {
  const result = await autocannon({ url: api + path, connections, duration: seconds, timeout: 5, ...request });
  return {
    name,
    connections,
    requests: result.requests.total,
    perSecond: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    errors: result.errors + result.timeouts + result.non2xx,
  };
}

function print(rows) {
  const columns = [
    ["request", ({ name }) => name],
    ["connections", ({ connections }) => connections],
    ["requests", ({ requests }) => requests],
    ["req/s", ({ perSecond }) => perSecond.toFixed(1)],
    ["p50 ms", ({ p50 }) => p50],
    ["p99 ms", ({ p99 }) => p99],
    ["errors", ({ errors }) => errors],
  ];
  const table = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => String(cell(row))))];
  const widths = columns.map((_, index) => Math.max(...table.map((line) => line[index].length)));
  const pad = (text, index) => (index === 0 ? text.padEnd(widths[index]) : text.padStart(widths[index]));
  for (const line of table) console.log(line.map(pad).join("  "));
}
