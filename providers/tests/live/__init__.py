"""The same providers against the vendors' real accounts, where the environment has keys for a sandbox."""
