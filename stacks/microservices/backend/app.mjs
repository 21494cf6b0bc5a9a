// The HTTP face: which path does what.
import cors from "cors";
import express from "express";
import helmet from "helmet";

import { parseLogin, parseRegistration } from "./credentials.mjs";
import { notFound, replyWithError } from "./errors.mjs";
import { authenticate, issueToken } from "./tokens.mjs";
import { usersIn } from "./users.mjs";

const BODY_LIMIT = "16kb";

export function createApp(pool, settings) {
  const app = express();
  app.use(helmet());
  app.use(cors({ origin: settings.origins, methods: ["GET", "POST"], maxAge: 600 }));
  app.use(express.json({ limit: BODY_LIMIT }));
  app.get("/health", healthOf(pool, settings));
  app.use(`/api/${settings.apiVersion}`, api(usersIn(pool), settings.jwtSecret));
  app.use(notFound);
  app.use(replyWithError);
  return app;
}

function api(users, secret) {
  const router = express.Router();
  const session = (user) => ({ user, token: issueToken(user, secret) });

  router.post("/auth/register", async (request, response) => {
    const { email, password } = parseRegistration(request.body);
    response.status(201).json(session(await users.register(email, password)));
  });
  router.post("/auth/login", async (request, response) => {
    const { email, password } = parseLogin(request.body);
    response.json(session(await users.logIn(email, password)));
  });
  router.get("/users/me", authenticate(secret), async (request, response) => {
    response.json({ user: await users.find(request.userId) });
  });
  return router;
}

// Healthy means able to serve, and without its database this service cannot.
function healthOf(pool, { apiVersion }) {
  return async (_request, response) => {
    const database = await pool.query("SELECT 1").then(
      () => "up",
      (error) => (console.error(`database: ${error.message}`), "down"),
    );
    const healthy = database === "up";
    response.status(healthy ? 200 : 503).json({ status: healthy ? "healthy" : "unhealthy", database, apiVersion });
  };
}
