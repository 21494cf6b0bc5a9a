// An error that the caller may see. Everything else is answered with a bare 500.
export class ApiError extends Error {
  constructor(status, code, message, details) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

// What express and its body parser throw for bad requests carries a 4xx status and a `type`.
const BODY_ERRORS = {
  "entity.parse.failed": ["invalid_json", "the body is not valid JSON"],
  "entity.too.large": ["too_large", "the body is too large"],
};

function asApiError(error) {
  if (error instanceof ApiError) return error;
  if (error.status >= 400 && error.status < 500) {
    const [code, message] = BODY_ERRORS[error.type] ?? ["bad_request", "the request cannot be read"];
    return new ApiError(error.status, code, message);
  }
  return null;
}

export function notFound(request) {
  throw new ApiError(404, "not_found", `no such resource: ${request.method} ${request.path}`);
}

// Express tells error handlers by their four parameters.
export function replyWithError(error, request, response, next) {
  if (response.headersSent) return next(error);
  const known = asApiError(error);
  if (!known) console.error(`${request.method} ${request.path} failed:`, error);
  const { status, code, message, details } =
    known ?? new ApiError(500, "internal", "something went wrong on our side");
  if (status === 401) response.set("WWW-Authenticate", "Bearer");
  response.status(status).json({ error: { code, message, ...(details && { details }) } });
}
