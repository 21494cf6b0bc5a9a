// What an e-mail address and a password may look like.
import { ApiError } from "./errors.mjs";

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const MAX_EMAIL_LENGTH = 254;
const MIN_PASSWORD_LENGTH = 8;
// bcrypt looks at the first 72 bytes only, so a longer password would promise more than it keeps.
const MAX_PASSWORD_BYTES = 72;

function emailProblem(email) {
  if (typeof email !== "string" || email.trim() === "") return "is required";
  if (email.length > MAX_EMAIL_LENGTH || !EMAIL.test(email.trim())) return "is not an e-mail address";
  return null;
}

function newPasswordProblem(password) {
  if (typeof password !== "string" || password === "") return "is required";
  if (password.length < MIN_PASSWORD_LENGTH) return `needs at least ${MIN_PASSWORD_LENGTH} characters`;
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return `has more than ${MAX_PASSWORD_BYTES} bytes`;
  if (password.includes("\0")) return "contains a NUL character";
  return null;
}

function presenceProblem(password) {
  return typeof password === "string" && password !== "" ? null : "is required";
}

function parse(body, passwordProblem) {
  const { email, password } = body ?? {};
  const details = {};
  const problems = { email: emailProblem(email), password: passwordProblem(password) };
  for (const [name, problem] of Object.entries(problems)) if (problem) details[name] = problem;
  if (Object.keys(details).length > 0) {
    throw new ApiError(400, "invalid_input", "some fields cannot be accepted", details);
  }
  return { email: email.trim().toLowerCase(), password };
}

export const parseRegistration = (body) => parse(body, newPasswordProblem);
export const parseLogin = (body) => parse(body, presenceProblem);
