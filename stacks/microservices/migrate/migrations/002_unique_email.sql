-- Two spellings of one address are one user: addresses are kept in lower case, and each once.
ALTER TABLE users
    ADD CONSTRAINT users_email_is_lower_case CHECK (email = lower(email)),
    ADD CONSTRAINT users_email_key UNIQUE (email);
