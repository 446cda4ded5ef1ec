"""What builds, tests and checks the hub, and is no part of it."""
