import { useQuery, useQueryClient } from "@tanstack/react-query";

import { explain, fetchMe, isRefused } from "./api.js";
import { useSession } from "./session.js";

const MAX_RETRIES = 2;

export function Profile() {
  const { token, close } = useSession();
  const queries = useQueryClient();
  const me = useQuery({
    queryKey: ["me", token],
    queryFn: () => fetchMe(token),
    retry: (failures, error) => !isRefused(error) && failures < MAX_RETRIES,
  });

  function logOut() {
    queries.clear();
    close();
  }

  return (
    <section>
      <h2>Your profile</h2>
      {me.isPending && <p className="aside">Loading…</p>}
      {me.isError && <p className="alert" role="alert">{explain(me.error).message}</p>}
      {me.isSuccess && <Facts user={me.data} />}
      <button type="button" className="quiet" onClick={logOut}>Log out</button>
    </section>
  );
}

function Facts({ user }) {
  return (
    <dl>
      <dt>E-mail</dt>
      <dd data-testid="email">{user.email}</dd>
      <dt>User number</dt>
      <dd>{user.id}</dd>
      <dt>Registered</dt>
      <dd>{new Date(user.createdAt).toLocaleString()}</dd>
    </dl>
  );
}
