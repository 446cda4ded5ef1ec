"""The hub: its model, its sync engine and its faces. README.md in this folder holds the words."""
