// Starts the API and stops it without dropping a request.
import pg from "pg";

import { createApp } from "./app.mjs";
import { readSettings } from "./settings.mjs";

// Shorter than the ten seconds after which a container engine kills.
const SHUTDOWN_LIMIT_MS = 8_000;

const settings = loadSettings();
const pool = new pg.Pool({
  connectionString: settings.databaseUrl,
  max: 10,
  connectionTimeoutMillis: 3_000,
  query_timeout: 5_000,
});
// An idle connection that breaks (the database restarts) must not take the process down; the pool opens a new one.
pool.on("error", (error) => console.error(`database: ${error.message}`));

const server = createApp(pool, settings).listen(settings.port, (error) => {
  if (error) throw error;
  console.log(`API ${settings.apiVersion} (${settings.environment}) listens on port ${settings.port}`);
});

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => shutDown(signal));

function loadSettings() {
  try {
    return readSettings();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}

function shutDown(signal) {
  console.log(`${signal}: finishing open requests`);
  setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
  server.close(async () => {
    await pool.end();
    console.log("stopped");
  });
}
