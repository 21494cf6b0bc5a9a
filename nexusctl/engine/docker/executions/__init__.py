"""Commands as objects that live in their sandbox: started, listed, read, fed, signalled, removed."""
