"""Files that other tools write: containers of rows, and layouts of rows as samples or prompts."""
