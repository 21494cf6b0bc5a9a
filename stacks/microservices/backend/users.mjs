// The users table. Passwords go in as bcrypt hashes and never come out.
import bcrypt from "bcrypt";

import { ApiError } from "./errors.mjs";

const ROUNDS = 10;
const UNIQUE_VIOLATION = "23505";
// Compared against when the address is unknown, so that the answer takes the same time either way.
const NOBODY = bcrypt.hashSync("nobody has this password", ROUNDS);

const present = ({ id, email, created_at: createdAt }) => ({ id, email, createdAt });

export function usersIn(pool) {
  return {
    async register(email, password) {
      const hash = await bcrypt.hash(password, ROUNDS);
      try {
        const { rows } = await pool.query(
          "INSERT INTO users (email, password_hash) VALUES ($1, $2) RETURNING id, email, created_at",
          [email, hash],
        );
        return present(rows[0]);
      } catch (error) {
        if (error.code !== UNIQUE_VIOLATION) throw error;
        throw new ApiError(409, "email_taken", "this e-mail address is registered already");
      }
    },

    async logIn(email, password) {
      const { rows } = await pool.query(
        "SELECT id, email, created_at, password_hash FROM users WHERE email = $1",
        [email],
      );
      const matches = await bcrypt.compare(password, rows[0]?.password_hash ?? NOBODY);
      if (rows.length === 0 || !matches) {
        throw new ApiError(401, "wrong_credentials", "the e-mail address or the password is wrong");
      }
      return present(rows[0]);
    },

    async find(id) {
      const { rows } = await pool.query("SELECT id, email, created_at FROM users WHERE id = $1", [id]);
      if (rows.length === 0) throw new ApiError(404, "user_gone", "this user does not exist any more");
      return present(rows[0]);
    },
  };
}
