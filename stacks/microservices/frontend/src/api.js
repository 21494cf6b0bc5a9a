// The backend's API as this page sees it: same origin, through the dev server's proxy.
import axios from "axios";

const http = axios.create({ baseURL: "/api/v1", timeout: 10_000 });

export const register = (credentials) => http.post("/auth/register", credentials).then(({ data }) => data);

export const logIn = (credentials) => http.post("/auth/login", credentials).then(({ data }) => data);

export const fetchMe = (token) =>
  http.get("/users/me", { headers: { Authorization: `Bearer ${token}` } }).then(({ data }) => data.user);

// A refusal stays one however often it is asked for; a broken connection may heal.
export function isRefused(error) {
  return error.response !== undefined && error.response.status < 500;
}

// An error in the words of the API, or of this page where the API said nothing.
export function explain(error) {
  const answer = error.response?.data?.error;
  return { message: answer?.message ?? "The API cannot be reached.", fields: answer?.details ?? {} };
}
