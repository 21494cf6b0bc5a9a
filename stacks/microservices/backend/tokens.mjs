// Signed tokens that say who is asking.
import jwt from "jsonwebtoken";

import { ApiError } from "./errors.mjs";

const RULES = { algorithm: "HS256", issuer: "microservices-demo", expiresIn: "1h" };

export function issueToken(user, secret) {
  const { algorithm, issuer, expiresIn } = RULES;
  return jwt.sign({}, secret, { algorithm, issuer, expiresIn, subject: String(user.id) });
}

// 401: nobody has said who they are. 403: what they say does not hold.
export function authenticate(secret) {
  return (request, _response, next) => {
    const [scheme, token] = (request.get("authorization") ?? "").split(" ");
    if (scheme.toLowerCase() !== "bearer" || !token) {
      throw new ApiError(401, "unauthenticated", "send a token: Authorization: Bearer <token>");
    }
    request.userId = readSubject(token, secret);
    next();
  };
}

function readSubject(token, secret) {
  try {
    return jwt.verify(token, secret, { algorithms: [RULES.algorithm], issuer: RULES.issuer }).sub;
  } catch (error) {
    const expired = error instanceof jwt.TokenExpiredError;
    throw new ApiError(403, expired ? "token_expired" : "token_invalid", "the token is not accepted; log in again");
  }
}
