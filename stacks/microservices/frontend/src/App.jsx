import { Navigate, Outlet, Route, Routes } from "react-router-dom";

import { logIn, register } from "./api.js";
import { CredentialsForm } from "./CredentialsForm.jsx";
import { Profile } from "./Profile.jsx";
import { useSession } from "./session.js";

export function App() {
  return (
    <main className="card">
      <header>
        <span className="mark" aria-hidden="true" />
        <h1>Microservices demo</h1>
      </header>
      <Routes>
        <Route element={<Members />}>
          <Route path="/profile" element={<Profile />} />
        </Route>
        <Route element={<Guests />}>
          <Route path="/login" element={<LogIn />} />
          <Route path="/register" element={<Register />} />
        </Route>
        <Route path="*" element={<Navigate to="/profile" replace />} />
      </Routes>
    </main>
  );
}

function Members() {
  return useSession((session) => session.token) ? <Outlet /> : <Navigate to="/login" replace />;
}

function Guests() {
  return useSession((session) => session.token) ? <Navigate to="/profile" replace /> : <Outlet />;
}

function LogIn() {
  return (
    <CredentialsForm
      title="Log in"
      action={logIn}
      passwordHint="current-password"
      other={{ question: "No account yet?", to: "/register", label: "Register" }}
    />
  );
}

function Register() {
  return (
    <CredentialsForm
      title="Register"
      action={register}
      passwordHint="new-password"
      other={{ question: "Registered already?", to: "/login", label: "Log in" }}
    />
  );
}
