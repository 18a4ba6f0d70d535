"""What the live benchmark runs on: real MCP servers, the worlds they look at, and scripted agents that use them."""
