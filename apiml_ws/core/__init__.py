"""What the gateway decides: sessions, routes, causes and codes, frames.  No input, no output."""
