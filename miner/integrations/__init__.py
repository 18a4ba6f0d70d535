"""The speculator inside other programs: an MCP proxy, and plug-ins for agent frameworks, one file each."""
