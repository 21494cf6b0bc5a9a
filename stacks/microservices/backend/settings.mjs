// Reads the environment once and refuses to start on anything that is missing.
import dotenv from "dotenv";

const MIN_SECRET_LENGTH = 32;
const DEVELOPMENT_ORIGINS = "http://127.0.0.1:5173,http://localhost:5173";

export function readSettings() {
  dotenv.config({ quiet: true });
  const problems = [];
  const required = (name) => process.env[name] || (problems.push(`${name} is not set`), "");

  const settings = Object.freeze({
    environment: process.env.NODE_ENV ?? "production",
    port: Number(process.env.PORT ?? 3000),
    apiVersion: process.env.API_VERSION ?? "v1",
    databaseUrl: required("DATABASE_URL"),
    jwtSecret: required("JWT_SECRET"),
    origins: (process.env.CORS_ORIGINS ?? DEVELOPMENT_ORIGINS).split(",").map((origin) => origin.trim()),
  });

  if (!Number.isInteger(settings.port) || settings.port < 1 || settings.port > 65535) {
    problems.push("PORT is not a port number");
  }
  if (settings.jwtSecret && settings.jwtSecret.length < MIN_SECRET_LENGTH) {
    problems.push(`JWT_SECRET has fewer than ${MIN_SECRET_LENGTH} characters`);
  }
  if (problems.length > 0) throw new Error(`cannot start: ${problems.join("; ")}`);
  return settings;
}
