// Brings the database up to the newest migration: each file once, in order, each in a transaction of its own.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";

import pg from "pg";

const FOLDER = new URL("./migrations/", import.meta.url);
const FILE_NAME = /^\d{3}_[a-z0-9_]+\.sql$/;
// Any fixed number will do: all runs of this program must ask for the same lock.
const LOCK = 7_031_501;

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
try {
  await client.connect();
  await client.query("SELECT pg_advisory_lock($1)", [LOCK]);
  await migrate(await readMigrations());
} catch (error) {
  console.error(`migration failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  // Ending the session gives the lock back too.
  await client.end().catch(() => {});
}

async function readMigrations() {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".sql")).sort();
  const wrong = names.filter((name) => !FILE_NAME.test(name));
  if (wrong.length > 0) throw new Error(`not named like 001_what_it_does.sql: ${wrong.join(", ")}`);
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, FOLDER), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function migrate(migrations) {
  await client.query(`
    CREATE TABLE IF NOT EXISTS schema_migrations (
      name       text PRIMARY KEY,
      checksum   text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
  const { rows } = await client.query("SELECT name, checksum FROM schema_migrations");
  const applied = new Map(rows.map((row) => [row.name, row.checksum]));

  for (const migration of migrations) {
    if (applied.has(migration.name)) refuseIfEdited(migration, applied.get(migration.name));
    else await apply(migration);
  }
  const fresh = migrations.filter(({ name }) => !applied.has(name)).length;
  console.log(`${fresh} applied, ${migrations.length - fresh} were there already`);
}

function refuseIfEdited({ name, checksum }, recorded) {
  if (checksum !== recorded) throw new Error(`${name} was edited after it had been applied; add a new file instead`);
}

async function apply({ name, sql, checksum }) {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", [name, checksum]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw new Error(`${name}: ${error.message}`);
  }
  console.log(`applied ${name}`);
}
