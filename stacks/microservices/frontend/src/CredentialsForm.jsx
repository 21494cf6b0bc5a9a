import { useMutation } from "@tanstack/react-query";
import { Link } from "react-router-dom";

import { explain } from "./api.js";
import { useSession } from "./session.js";

export function CredentialsForm({ title, action, passwordHint, other }) {
  const open = useSession((session) => session.open);
  const submission = useMutation({ mutationFn: action, onSuccess: ({ token }) => open(token) });
  const problem = submission.isError ? explain(submission.error) : null;

  function submit(event) {
    event.preventDefault();
    submission.mutate(Object.fromEntries(new FormData(event.currentTarget)));
  }

  // The API is the one judge of the fields, so the browser's own checks are off.
  return (
    <form onSubmit={submit} noValidate>
      <h2>{title}</h2>
      <Field name="email" type="email" label="E-mail" autoComplete="username" problem={problem?.fields.email} />
      <Field
        name="password"
        type="password"
        label="Password"
        autoComplete={passwordHint}
        problem={problem?.fields.password}
      />
      {problem && <p className="alert" role="alert">{problem.message}</p>}
      <button type="submit" disabled={submission.isPending}>
        {submission.isPending ? "One moment…" : title}
      </button>
      <p className="aside">
        {other.question} <Link to={other.to}>{other.label}</Link>
      </p>
    </form>
  );
}

function Field({ name, label, problem, ...input }) {
  return (
    <label>
      {label}
      <input name={name} aria-invalid={Boolean(problem)} {...input} />
      {problem && <small className="problem">{problem}</small>}
    </label>
  );
}
